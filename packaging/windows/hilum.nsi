; The Windows installer. packaging/windows/make_installer.py runs makensis on it and defines:
;   VERSION        what people read, "0.1.0"
;   VERSION_QUAD   the same as four numbers, "0.1.0.0"; what versions are compared by
;   FILES          a script of the File instructions, one for each file of the frozen tree
;   FILE_LIST      the same names as text (UTF-16), which is installed and is what an upgrade and the uninstaller delete by
;   SIZE_KB, ICON, LICENSE, OUT_FILE
;   TARGET         the kind of installer, where makensis should not choose; FAST: compress little; SIGN: a command that signs
;
; Command line (the names of the options in any case; /D= last and without quotation marks):
;   /S              no window, no question
;   /AllUsers       for everybody on this machine; needs administrator rights
;   /CurrentUser    for the one who installs
;   /DESKTOP        an icon on the desktop, too
;   /NOASSOC        leave .dcm alone
;   /DOWNGRADE      an older version may take the place of a newer one
;   /LOG=FILE       where to write what was done, in place of hilum-setup.log in the folder for temporary files
;   /D=FOLDER       where to install
; The uninstaller knows /S, /LOG= and /PURGE (delete the user's drafts and settings as well).
;
; Exit status: 0 done, 1 cancelled, 2 stopped half-way, and these:
!define STATUS_OPEN 3
!define STATUS_NEWER 4
!define STATUS_RIGHTS 5
!define STATUS_FOLDER 6
!define STATUS_ROOM 7
!define STATUS_NOT_WRITTEN 8
!define STATUS_WINDOWS 9

Unicode true
!ifdef TARGET
  Target ${TARGET}
!endif
!ifdef FAST
  SetCompressor zlib
!else
  SetCompressor /SOLID lzma
  SetCompressorDictSize 64
!endif
RequestExecutionLevel highest
ManifestDPIAware true
; What cannot be written ends the installation; it is never left out without a word.
AllowSkipFiles off
AllowRootDirInstall false

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "nsDialogs.nsh"
!include "Sections.nsh"
!include "WinVer.nsh"
!include "WordFunc.nsh"
!include "x64.nsh"

!define NAME "Hilum"
!define EXE "hilum.exe"
!define CONSOLE_EXE "hilum-console.exe"
!define LIST "installed-files.txt"
!define UNINSTALLER "uninstall.exe"
!define NOTICE "For research and education. Not a medical device; not for diagnosis, triage or treatment decisions."
!define PROGID "Hilum.DICOM"
!define CLASSES "Software\Classes"
!define OWN_KEY "Software\Hilum"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Hilum"
!define APP_PATH_KEY "Software\Microsoft\Windows\CurrentVersion\App Paths\hilum.exe"

Name "${NAME} ${VERSION}"
OutFile "${OUT_FILE}"
BrandingText "${NOTICE}"
ShowInstDetails nevershow
ShowUninstDetails nevershow
!ifdef SIGN
  !finalize '${SIGN} "%1"' = 0
  !uninstfinalize '${SIGN} "%1"' = 0
!endif

VIProductVersion "${VERSION_QUAD}"
VIFileVersion "${VERSION_QUAD}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "${NAME} ${VERSION} installer"
VIAddVersionKey "CompanyName" "${NAME}"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"
VIAddVersionKey "Comments" "${NOTICE}"

Var ForAll      ; 1: for everybody, 0: for one user
Var IsAdmin
Var IsScopeSaid ; 1: the command line says for whom
Var AskedFolder ; what /D= said
Var OldFolder   ; where the version that is installed lies, "" where there is none
Var OldVersion
Var LogFile
Var ButtonAll
Var ButtonOne

; ------------------------------------------------------------------------------------------------------------- pages

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${NSISDIR}\Contrib\Graphics\Wizard\nsis3-grey.bmp"
!define MUI_ABORTWARNING
!define MUI_WELCOMEPAGE_TEXT "Hilum shows chest films and gives a second reading with its evidence.$\r$\n$\r$\n\
Research and education only. It is not a medical device and is not for diagnosis, triage or treatment decisions."
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "Open Hilum"
!define MUI_FINISHPAGE_RUN_FUNCTION OpenHilum

!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${LICENSE}"
Page custom AskForWhom TakeForWhom
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH

!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES

!insertmacro MUI_LANGUAGE "English"

; ---------------------------------------------------------------------------------------- what both programs can do

; Write a line to the log and to the list on the page.
!macro Say TEXT
  Push `${TEXT}`
  !ifdef __UNINSTALL__
    Call un.WriteLog
  !else
    Call WriteLog
  !endif
!macroend
!define Say "!insertmacro Say"

; End with a status, a line in the log and, where somebody looks on, a box.
!macro Fail STATUS TEXT
  ${Say} `${TEXT}`
  MessageBox MB_OK|MB_ICONSTOP `${TEXT}` /SD IDOK
  SetErrorLevel ${STATUS}
  Quit
!macroend
!define Fail "!insertmacro Fail"

!macro Both UN
Function ${UN}WriteLog
  Exch $R9
  Push $R8
  DetailPrint "$R9"
  ${If} $LogFile != ""
    ClearErrors
    FileOpen $R8 "$LogFile" a
    ${IfNot} ${Errors}
      FileSeek $R8 0 END
      FileWriteUTF16LE /BOM $R8 "$R9$\r$\n"
      FileClose $R8
    ${EndIf}
  ${EndIf}
  Pop $R8
  Pop $R9
FunctionEnd

Function ${UN}OpenLog
  ${GetParameters} $R9
  ClearErrors
  ${GetOptions} $R9 "/LOG=" $LogFile
  ${If} ${Errors}
    StrCpy $LogFile "$TEMP\hilum-setup.log"
  ${EndIf}
FunctionEnd

Function ${UN}FindRights
  UserInfo::GetAccountType
  Pop $R9
  StrCpy $IsAdmin 0
  ${If} $R9 == "Admin"
    StrCpy $IsAdmin 1
  ${EndIf}
FunctionEnd

; Take a folder from the stack and come back when no program runs out of it. A program that runs cannot be written to:
; that tells of every user's, and of the processes that decode films.
Function ${UN}WaitUntilClosed
  Exch $R9
  Push "$R9\${CONSOLE_EXE}"
  Push "$R9\${EXE}"
  Call ${UN}WaitUntilFree
  Call ${UN}WaitUntilFree
  Pop $R9
FunctionEnd

Function ${UN}WaitUntilFree
  Exch $R9
  Push $R8
  Push $R7
  Push $R6
  StrCpy $R6 0
  ${Do}
    ${IfNot} ${FileExists} "$R9"
      ${ExitDo}
    ${EndIf}
    ; GENERIC_WRITE, shared with all, OPEN_EXISTING
    System::Call 'kernel32::CreateFileW(w "$R9", i 0x40000000, i 7, p 0, i 3, i 0, p 0) i.R8 ?e'
    Pop $R7
    ${If} $R8 != -1
      System::Call 'kernel32::CloseHandle(i R8)'
      ${ExitDo}
    ${EndIf}
    ${If} $R7 != 32 ; ERROR_SHARING_VIOLATION
      ${Fail} ${STATUS_NOT_WRITTEN} "$R9 cannot be written (error $R7). Nothing has been changed."
    ${EndIf}
    IntOp $R6 $R6 + 1
    ${If} ${Silent}
      ; It may be about to close.
      ${If} $R6 > 5
        ${Fail} ${STATUS_OPEN} "Hilum is open ($R9). Close it and try again. Nothing has been changed."
      ${EndIf}
      Sleep 1000
    ${Else}
      MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "Hilum is open, here or in another user's session.$\r$\n$\r$\n\
Finish what you are writing, close its windows, and choose Retry. Drafts are kept." IDRETRY closed
      ${Say} "Hilum is open, and the question to close it was cancelled. Nothing has been changed."
      SetErrorLevel ${STATUS_OPEN}
      Quit
      closed:
    ${EndIf}
  ${Loop}
  Pop $R6
  Pop $R7
  Pop $R8
  Pop $R9
FunctionEnd

; Take a line of the list from the stack and leave 1 if it names something within the folder, else 0.
Function ${UN}IsWithin
  Exch $R9
  Push $R8
  Push $R7
  Push $R6
  StrCpy $R6 1
  StrCpy $R8 $R9 1
  ${If} $R8 == ""
  ${OrIf} $R8 == "\"
    StrCpy $R6 0
  ${EndIf}
  StrLen $R7 $R9
  ${While} $R7 > 0
    IntOp $R7 $R7 - 1
    StrCpy $R8 $R9 1 $R7
    ${If} $R8 == ":"
    ${OrIf} $R8 == "/"
    ${OrIf} $R8 == "*"
    ${OrIf} $R8 == "?"
      StrCpy $R6 0
    ${EndIf}
    StrCpy $R8 $R9 2 $R7
    ${If} $R8 == ".."
      StrCpy $R6 0
    ${EndIf}
  ${EndWhile}
  StrCpy $R9 $R6
  Pop $R6
  Pop $R7
  Pop $R8
  Exch $R9
FunctionEnd

; Take a folder from the stack and delete what its list names, the uninstaller, and the folder if that leaves it empty.
Function ${UN}DeleteListed
  Exch $R5
  Push $R4
  Push $R3
  ClearErrors
  FileOpen $R4 "$R5\${LIST}" r
  ${IfNot} ${Errors}
    ; The first line says what the file is.
    FileReadUTF16LE $R4 $R3
    ${Do}
      ClearErrors
      FileReadUTF16LE $R4 $R3
      ${If} ${Errors}
        ${ExitDo}
      ${EndIf}
      ${TrimLine} $R3
      Push $R3
      Call ${UN}IsWithin
      Pop $0
      ${If} $0 = 1
        StrCpy $0 $R3 1 -1
        ClearErrors
        ${If} $0 == "\"
          RMDir "$R5\$R3"
        ${Else}
          Delete "$R5\$R3"
          ${If} ${Errors}
            ${Say} "Cannot be deleted: $R5\$R3"
          ${EndIf}
        ${EndIf}
      ${EndIf}
    ${Loop}
    FileClose $R4
  ${EndIf}
  Delete "$R5\${LIST}"
  Delete "$R5\${UNINSTALLER}"
  RMDir "$R5"
  ClearErrors
  Pop $R3
  Pop $R4
  Pop $R5
FunctionEnd

Function ${UN}TellExplorer
  ; SHCNE_ASSOCCHANGED
  System::Call 'shell32::SHChangeNotify(i 0x08000000, i 0, p 0, p 0)'
FunctionEnd
!macroend

; Cut the end of the line off.
!macro TrimLine LINE
  ${Do}
    StrCpy $0 ${LINE} 1 -1
    ${If} $0 != "$\r"
    ${AndIf} $0 != "$\n"
      ${ExitDo}
    ${EndIf}
    StrCpy ${LINE} ${LINE} -1
  ${Loop}
!macroend
!define TrimLine "!insertmacro TrimLine"

!insertmacro Both ""
!insertmacro Both "un."

; ----------------------------------------------------------------------------------------------------------- sections

Section "Hilum" SectionProgram
  SectionIn RO
  Call Prepare
  ${If} $OldFolder != ""
    ${Say} "Removing version $OldVersion from $OldFolder"
    ; The working folder cannot be removed.
    SetOutPath "$TEMP"
    Push $OldFolder
    Call DeleteListed
  ${EndIf}
  ${Say} "Installing version ${VERSION} in $INSTDIR"
  SetOutPath "$INSTDIR"
  ; First of all what is needed to remove an installation that has been cut short.
  File "/oname=${LIST}" "${FILE_LIST}"
  WriteUninstaller "$INSTDIR\${UNINSTALLER}"
  Call WriteUninstallKey
  !include "${FILES}"
  SetOutPath "$INSTDIR"
  WriteRegStr SHCTX "${OWN_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${OWN_KEY}" "Version" "${VERSION_QUAD}"
  Call WriteOpenWith
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${EXE}" "" "$INSTDIR\${EXE}" 0
SectionEnd

Section "Open .dcm files" SectionOpens
  ReadRegStr $0 HKCU "${CLASSES}\.dcm" ""
  ${If} $0 == ""
    ReadRegStr $0 HKLM "${CLASSES}\.dcm" ""
  ${EndIf}
  ReadRegStr $1 HKCU "Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.dcm\UserChoice" "ProgId"
  ${If} $0 == ""
  ${AndIf} $1 == ""
    WriteRegStr SHCTX "${CLASSES}\.dcm" "" "${PROGID}"
    ${Say} "Files that end in .dcm are opened with Hilum"
  ${ElseIf} $0 == "${PROGID}"
    ${Say} "Files that end in .dcm are opened with Hilum, as before"
  ${Else}
    ${Say} "Files that end in .dcm are opened with $0$1, as before"
  ${EndIf}
SectionEnd

Section /o "Icon on the desktop" SectionDesktop
  CreateShortcut "$DESKTOP\${NAME}.lnk" "$INSTDIR\${EXE}" "" "$INSTDIR\${EXE}" 0
SectionEnd

Section -Last
  Call TellExplorer
  ${Say} "Done"
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionProgram} "The program, its models, and $\"Open with Hilum$\"."
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionOpens} "Open DICOM files with Hilum. A program that opens them now goes on doing so."
  !insertmacro MUI_DESCRIPTION_TEXT ${SectionDesktop} "For everybody, or for you, as chosen."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Section "un.Hilum" UnSectionProgram
  SectionIn RO
  Push $INSTDIR
  Call un.WaitUntilClosed
  ${Say} "Removing version ${VERSION} from $INSTDIR"
  SetOutPath "$TEMP"
  Push $INSTDIR
  Call un.DeleteListed
  Delete "$SMPROGRAMS\${NAME}.lnk"
  Delete "$DESKTOP\${NAME}.lnk"
  ReadRegStr $0 SHCTX "${CLASSES}\.dcm" ""
  ${If} $0 == "${PROGID}"
    DeleteRegValue SHCTX "${CLASSES}\.dcm" ""
  ${EndIf}
  DeleteRegValue SHCTX "${CLASSES}\.dcm\OpenWithProgids" "${PROGID}"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\.dcm\OpenWithProgids"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\.dcm"
  DeleteRegKey SHCTX "${CLASSES}\${PROGID}"
  DeleteRegKey SHCTX "${CLASSES}\Applications\${EXE}"
  DeleteRegKey SHCTX "${CLASSES}\SystemFileAssociations\.dcm\shell\OpenWithHilum"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\SystemFileAssociations\.dcm\shell"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\SystemFileAssociations\.dcm"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\SystemFileAssociations"
  DeleteRegKey SHCTX "${CLASSES}\Directory\shell\OpenWithHilum"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\Directory\shell"
  DeleteRegKey /ifempty SHCTX "${CLASSES}\Directory"
  DeleteRegValue SHCTX "Software\RegisteredApplications" "${NAME}"
  DeleteRegKey /ifempty SHCTX "Software\RegisteredApplications"
  DeleteRegKey SHCTX "${APP_PATH_KEY}"
  DeleteRegKey SHCTX "${OWN_KEY}"
  DeleteRegKey SHCTX "${UNINSTALL_KEY}"
  Call un.TellExplorer
SectionEnd

Section /o "un.Drafts and settings" UnSectionPurge
  ; With "all" this would be the folder of the machine, where the site's policy lies.
  SetShellVarContext current
  ${Say} "Deleting drafts and settings in $LOCALAPPDATA\Hilum"
  RMDir /r "$LOCALAPPDATA\Hilum"
  ; A policy beside the program is the last thing in its folder.
  Delete "$INSTDIR\policy.toml"
  RMDir "$INSTDIR"
SectionEnd

Section -un.Last
  ${Say} "Done"
SectionEnd

!insertmacro MUI_UNFUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${UnSectionProgram} "The program and its models."
  !insertmacro MUI_DESCRIPTION_TEXT ${UnSectionPurge} "Your drafts, settings, log and own models. Those of other users stay."
!insertmacro MUI_UNFUNCTION_DESCRIPTION_END

; ---------------------------------------------------------------------------------------------------------- registry

Function WriteUninstallKey
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\${EXE}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Comments" "${NOTICE}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\${UNINSTALLER}"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\${UNINSTALLER}" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" ${SIZE_KB}
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
FunctionEnd

; Be offered for .dcm and for folders, without being what they are opened with.
Function WriteOpenWith
  WriteRegStr SHCTX "${CLASSES}\${PROGID}" "" "DICOM film"
  WriteRegStr SHCTX "${CLASSES}\${PROGID}\DefaultIcon" "" "$INSTDIR\${EXE},0"
  WriteRegStr SHCTX "${CLASSES}\${PROGID}\shell\open\command" "" '"$INSTDIR\${EXE}" "%1"'
  WriteRegNone SHCTX "${CLASSES}\.dcm\OpenWithProgids" "${PROGID}"
  WriteRegStr SHCTX "${CLASSES}\Applications\${EXE}" "FriendlyAppName" "${NAME}"
  WriteRegStr SHCTX "${CLASSES}\Applications\${EXE}\shell\open\command" "" '"$INSTDIR\${EXE}" "%1"'
  WriteRegStr SHCTX "${CLASSES}\Applications\${EXE}\SupportedTypes" ".dcm" ""
  WriteRegStr SHCTX "${CLASSES}\SystemFileAssociations\.dcm\shell\OpenWithHilum" "" "Open with Hilum"
  WriteRegStr SHCTX "${CLASSES}\SystemFileAssociations\.dcm\shell\OpenWithHilum" "Icon" "$INSTDIR\${EXE},0"
  WriteRegStr SHCTX "${CLASSES}\SystemFileAssociations\.dcm\shell\OpenWithHilum\command" "" '"$INSTDIR\${EXE}" "%1"'
  WriteRegStr SHCTX "${CLASSES}\Directory\shell\OpenWithHilum" "" "Open with Hilum"
  WriteRegStr SHCTX "${CLASSES}\Directory\shell\OpenWithHilum" "Icon" "$INSTDIR\${EXE},0"
  WriteRegStr SHCTX "${CLASSES}\Directory\shell\OpenWithHilum\command" "" '"$INSTDIR\${EXE}" "%1"'
  WriteRegStr SHCTX "${APP_PATH_KEY}" "" "$INSTDIR\${EXE}"
  WriteRegStr SHCTX "Software\RegisteredApplications" "${NAME}" "${OWN_KEY}\Capabilities"
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities" "ApplicationName" "${NAME}"
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities" "ApplicationDescription" "Chest films with a second reading. ${NOTICE}"
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities\FileAssociations" ".dcm" "${PROGID}"
FunctionEnd

; ---------------------------------------------------------------------------------------------------------- beginning

Function .onInit
  ; The folder that /D= names comes here before anything else.
  StrCpy $AskedFolder $INSTDIR
  Call OpenLog
  ${Say} "${NAME} ${VERSION} installer: $CMDLINE"
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin10}
    ${Fail} ${STATUS_WINDOWS} "Hilum needs Windows 10 or later, 64 bit."
  ${EndIf}
  SetRegView 64
  Call FindRights
  Call ReadScope
  Call TakeScope
  Call ReadChoices
FunctionEnd

; For whom: what the command line says, else for whom it is installed already, else for everybody where that is allowed.
Function ReadScope
  ${GetParameters} $R0
  StrCpy $IsScopeSaid 1
  ClearErrors
  ${GetOptions} $R0 "/AllUsers" $R1
  ${IfNot} ${Errors}
    StrCpy $ForAll 1
    ${If} $IsAdmin = 0
      ${Fail} ${STATUS_RIGHTS} "To install Hilum for everybody on this machine, start the installer as administrator."
    ${EndIf}
    Return
  ${EndIf}
  ClearErrors
  ${GetOptions} $R0 "/CurrentUser" $R1
  ${IfNot} ${Errors}
    StrCpy $ForAll 0
    Return
  ${EndIf}
  StrCpy $IsScopeSaid 0
  StrCpy $ForAll $IsAdmin
  ReadRegStr $R1 HKCU "${OWN_KEY}" "InstallLocation"
  ReadRegStr $R2 HKLM "${OWN_KEY}" "InstallLocation"
  ${If} $R1 != ""
  ${AndIf} $R2 == ""
    StrCpy $ForAll 0
  ${EndIf}
FunctionEnd

; Look for the version that is installed, and choose the folder.
Function TakeScope
  ${If} $ForAll = 1
    SetShellVarContext all
  ${Else}
    SetShellVarContext current
  ${EndIf}
  ReadRegStr $OldFolder SHCTX "${OWN_KEY}" "InstallLocation"
  ReadRegStr $OldVersion SHCTX "${OWN_KEY}" "Version"
  ${If} $AskedFolder != ""
    StrCpy $INSTDIR $AskedFolder
  ${ElseIf} $OldFolder != ""
    StrCpy $INSTDIR $OldFolder
  ${ElseIf} $ForAll = 1
    StrCpy $INSTDIR "$PROGRAMFILES64\${NAME}"
  ${Else}
    StrCpy $INSTDIR "$LOCALAPPDATA\Programs\${NAME}"
  ${EndIf}
FunctionEnd

Function ReadChoices
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/NOASSOC" $R1
  ${IfNot} ${Errors}
    !insertmacro UnselectSection ${SectionOpens}
  ${EndIf}
  ClearErrors
  ${GetOptions} $R0 "/DESKTOP" $R1
  ${IfNot} ${Errors}
  ${OrIf} ${FileExists} "$DESKTOP\${NAME}.lnk"
    !insertmacro SelectSection ${SectionDesktop}
  ${EndIf}
FunctionEnd

Function AskForWhom
  ${If} $IsAdmin = 0
  ${OrIf} $IsScopeSaid = 1
    Abort
  ${EndIf}
  !insertmacro MUI_HEADER_TEXT "For whom?" "Each user has drafts and settings of their own in either case."
  nsDialogs::Create 1018
  Pop $0
  ${NSD_CreateRadioButton} 0 10u 100% 12u "For &everybody on this machine"
  Pop $ButtonAll
  ${NSD_CreateRadioButton} 0 28u 100% 12u "Only for &me"
  Pop $ButtonOne
  ${If} $ForAll = 1
    ${NSD_Check} $ButtonAll
  ${Else}
    ${NSD_Check} $ButtonOne
  ${EndIf}
  nsDialogs::Show
FunctionEnd

Function TakeForWhom
  ${NSD_GetState} $ButtonAll $ForAll
  Call TakeScope
FunctionEnd

; ---------------------------------------------------------------------------------------------- before anything changes

Function Prepare
  Call RefuseOlder
  Call RefuseFolder
  ${If} $OldFolder != ""
    Push $OldFolder
    Call WaitUntilClosed
  ${EndIf}
  Push $INSTDIR
  Call WaitUntilClosed
  Call RefuseFull
FunctionEnd

Function RefuseOlder
  ${If} $OldVersion == ""
    Return
  ${EndIf}
  ${VersionCompare} "${VERSION_QUAD}" $OldVersion $0
  ${If} $0 != 2
    Return
  ${EndIf}
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/DOWNGRADE" $R1
  ${IfNot} ${Errors}
    ${Say} "Version $OldVersion is newer; it is replaced, as /DOWNGRADE says"
    Return
  ${EndIf}
  MessageBox MB_YESNO|MB_DEFBUTTON2|MB_ICONEXCLAMATION "Version $OldVersion is installed, which is newer than ${VERSION}. \
An older version may not be able to read the drafts of a newer one.$\r$\n$\r$\nInstall the older version all the same?" \
    /SD IDNO IDYES older
  ${Say} "Version $OldVersion is installed, which is newer than ${VERSION}. Nothing has been changed."
  SetErrorLevel ${STATUS_NEWER}
  Quit
  older:
FunctionEnd

; The folder must be a whole path, not a drive, and none that holds other things by name.
Function RefuseFolder
  Push $INSTDIR
  Call IsFolderFit
  Pop $0
  ${If} $0 = 0
    ${Fail} ${STATUS_FOLDER} "Hilum cannot be installed in $INSTDIR. Choose a folder of its own. Nothing has been changed."
  ${EndIf}
  StrCpy $1 1
  ${If} ${FileExists} "$INSTDIR\*.*"
    StrCpy $1 0
  ${EndIf}
  ClearErrors
  CreateDirectory "$INSTDIR"
  ${IfNot} ${Errors}
    GetTempFileName $0 "$INSTDIR"
    Delete $0
  ${EndIf}
  ${If} ${Errors}
    ${Fail} ${STATUS_NOT_WRITTEN} "$INSTDIR cannot be written to. Nothing has been changed."
  ${EndIf}
  ${If} $1 = 1
    RMDir "$INSTDIR"
  ${EndIf}
FunctionEnd

Function IsFolderFit
  Exch $R9
  Push $R8
  StrCpy $R8 1
  StrLen $0 $R9
  ${If} $0 < 4
  ${OrIf} $R9 == $WINDIR
  ${OrIf} $R9 == $SYSDIR
  ${OrIf} $R9 == $PROGRAMFILES64
  ${OrIf} $R9 == $LOCALAPPDATA
  ${OrIf} $R9 == "$LOCALAPPDATA\${NAME}"
  ${OrIf} $R9 == $PROFILE
  ${OrIf} $R9 == $DESKTOP
    StrCpy $R8 0
  ${EndIf}
  StrCpy $R9 $R8
  Pop $R8
  Exch $R9
FunctionEnd

Function RefuseFull
  ${GetRoot} "$INSTDIR" $0
  ClearErrors
  ${DriveSpace} "$0\" "/D=F /S=M" $1
  ${If} ${Errors}
    ; A share does not always tell.
    Return
  ${EndIf}
  IntOp $2 ${SIZE_KB} / 1024
  IntOp $2 $2 + 100
  ${If} $1 < $2
    ${Fail} ${STATUS_ROOM} "There is too little room in $0: $2 MB are needed and $1 MB are free. Nothing has been changed."
  ${EndIf}
FunctionEnd

Function .onInstFailed
  ${Say} "The installation was stopped half-way. Install once more, or remove what is there."
FunctionEnd

; The installer may be running as administrator; what the user opens shall not.
Function OpenHilum
  Exec '"$WINDIR\explorer.exe" "$INSTDIR\${EXE}"'
FunctionEnd

; -------------------------------------------------------------------------------------------------------- uninstalling

Function un.onInit
  SetRegView 64
  Call un.OpenLog
  ${Say} "${NAME} ${VERSION} uninstaller: $CMDLINE"
  Call un.FindRights
  StrCpy $ForAll 0
  SetShellVarContext current
  ReadRegStr $0 HKLM "${OWN_KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    StrCpy $ForAll 1
    SetShellVarContext all
    ${If} $IsAdmin = 0
      ${Fail} ${STATUS_RIGHTS} "To remove Hilum for everybody on this machine, start the uninstaller as administrator."
    ${EndIf}
  ${EndIf}
  ${GetParameters} $R0
  ClearErrors
  ${GetOptions} $R0 "/PURGE" $R1
  ${IfNot} ${Errors}
    !insertmacro SelectSection ${UnSectionPurge}
  ${EndIf}
FunctionEnd
