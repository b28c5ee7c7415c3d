#!/usr/bin/env bash
# Tests what .ci/optional_tools does where the tools are missing. apt-get, python3 and npm are stand-ins that write down
# their arguments: what is tested must not install anything.
#   optional_tools_test.sh OPTIONAL_TOOLS
set -uo pipefail

tools=$PWD/$1
cd "$(mktemp -d)"
failures=0
fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}

mkdir bin
# Nothing else is found, so that the machine's own browser is not.
for program in bash cat chmod cp env flock id mkdir rm timeout; do ln -s "$(command -v $program)" "bin/$program"; done
cat >bin/sudo <<'END'
#!/bin/bash
shift
exec "$@"
END
# An apt-get that installs brings the programs.
cat >bin/apt-get <<'END'
#!/bin/bash
echo "apt-get $*" >>calls
[ ! -e offline ] || exit 100
case "$*" in *--no-download*) cp bin/npm bin/chromium && cp bin/npm bin/wrk && cp bin/npm bin/ip ;; esac
END
# The Python of a made environment is a program that succeeds, and so is its pip unless there is no network.
cat >bin/python3 <<'END'
#!/bin/bash
echo "python3 $1 $2" >>calls
[ "$1 $2" = "-m venv" ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/bash\necho "pip $*" >>calls\n[ ! -e offline ]\n' >"$3/bin/pip"
printf '#!/bin/bash\n' >"$3/bin/python"
chmod +x "$3/bin/pip" "$3/bin/python"
END
cat >bin/npm <<'END'
#!/bin/bash
echo "npm $*" >>calls
[ ! -e offline ]
END
chmod +x bin/sudo bin/apt-get bin/python3 bin/npm

# run NAME=VALUE...: with nothing in the environment but this.
run() { env -i PATH="$PWD/bin" HOME="$PWD/home" "$@" "$PWD/bin/bash" "$tools" >out 2>err; }

# Without a network.
touch offline
run || fail "it should succeed without a network"
[ ! -s out ] || { fail "it should print nothing that is not there"; cat out; }
[ "$(grep -c '^optional_tools: .*; the tests that need it are skipped$' err)" = 3 ] && [ "$(wc -l <err)" = 3 ] ||
  { fail "there should be a warning for each of apt-get, pip and npm"; cat err; }
[ ! -e home/.cache/ecg/tools/python ] || fail "a half-made environment should be removed"

# With one.
rm offline calls
run || fail "it should succeed"
[ ! -s err ] || { fail "it should be silent"; cat err; }
(
  eval "$(cat out)"
  [ "$ECG_CHROMIUM" = "$PWD/bin/chromium" ] || fail "the browser"
  [ -x "$ECG_PYTHON" ] || fail "the Python"
  [ "$NODE_PATH" = "$PWD/home/.cache/ecg/tools/node/node_modules" ] || fail "the folder of npm's packages"
  [ $failures = 0 ]
) || { fail "it should print where everything is"; cat out; }
grep -q 'apt-get .*install .*chromium wrk' calls || { fail "apt-get should install programs"; cat calls; }
grep -q 'pip install .*playwright==' calls || { fail "pip should install packages in pinned versions"; cat calls; }

# Once is enough.
cp out first
rm calls
run || fail "it should succeed again"
cmp out first || fail "it should print the same again"
! grep -qv '^python3 -c' calls || { fail "nothing should be installed twice"; cat calls; }

# Other versions are installed anew.
sed 's/tensorboard==/tensorboard==0./' "$tools" >other
tools=$PWD/other
run || fail "it should succeed with other versions"
grep -q 'pip install .*tensorboard==0\.' calls || { fail "other versions should be installed"; cat calls; }

# What is set stays.
rm -rf calls home bin/chromium
run ECG_CHROMIUM=/my/chromium ECG_PYTHON=/my/python NODE_PATH=/my/node || fail "it should succeed with everything set"
grep -qx 'export ECG_PYTHON=/my/python' out && [ "$(wc -l <out)" = 3 ] || { fail "what is set should stay"; cat out; }
[ ! -e calls ] || { fail "nothing should be installed for what is set"; cat calls; }

[ $failures = 0 ] && echo "PASSED"
exit $failures
