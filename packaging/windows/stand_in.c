/* What packaging/windows/try_under_wine.sh installs in the place of the program: with --open it stays until the file
 * that is named behind it is there, without it it ends at once. */
#include <string.h>
#include <windows.h>

int main(int count, char **words)
{
    if (count > 2 && strcmp(words[1], "--open") == 0)
        for (int tries = 0; tries < 1200 && GetFileAttributesA(words[2]) == INVALID_FILE_ATTRIBUTES; tries++)
            Sleep(100);
    return 0;
}
