# Both do all of their own set-up; where there is no make, the scripts do the same.
.PHONY: run test

run:
	@sh packaging/run.sh

test:
	@sh packaging/test.sh
