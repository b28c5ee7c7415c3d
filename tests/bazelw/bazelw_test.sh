#!/usr/bin/env bash
# Tests what bazelw does on a system without the packages that the build needs. The system is a folder without files,
# and apt-get, apt-cache, sudo and bazel are stand-ins that write down their arguments: what is tested must not install
# anything.
set -uo pipefail

bazelw=$PWD/$1
cd "$(mktemp -d)"
failures=0
fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}

mkdir -p bin root/etc
for program in apt-get sudo bazel; do
  printf '#!/bin/sh\necho "%s $*" >>%s/calls\n' "$program" "$PWD" >"bin/$program"
done
printf '#!/bin/sh\necho "sudo" >>%s/calls\nexec "$@"\n' "$PWD" >bin/sudo
# apt-cache answers as Debian's does: for a package that it does not know at all, with nothing.
cat >bin/apt-cache <<END
#!/bin/sh
version=\$(sed -n "s/^\$2 //p" $PWD/candidates)
[ -z "\$version" ] || printf '%s:\n  Installed: (none)\n  Candidate: %s\n' "\$2" "\$version"
END
chmod +x bin/*
export PATH=$PWD/bin:$PATH BAZELW_ROOT=$PWD/root
unset LIBTORCH_ROOT

packages="bazel-bootstrap bazel-rules-java bazel-rules-proto g++ pkg-config libabsl-dev protobuf-compiler libprotobuf-dev
libopenblas0-pthread libgtest-dev libgmock-dev libbenchmark-dev libcli11-dev libcairo2-dev libcpp-httplib-dev libcsv-dev libgloo-dev libisal-dev
libjs-chart.js nlohmann-json3-dev libmatio-dev libonnx-dev libcurl4-openssl-dev libssl-dev libpugixml-dev libzip-dev zlib1g-dev
libtorch-dev"
debian_12() {
  for package in $packages; do
    case $package in
      g++) echo "$package 4:12.2.0-3" ;;
      libabsl-dev) echo "$package 20220623.1-1" ;;
      bazel-bootstrap) echo "$package 4.2.3+ds-9" ;;
      *) echo "$package 3.21.12-3" ;;
    esac
  done
}

# Debian 12: everything is installed, then Bazel is called.
echo 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"' >root/etc/os-release
debian_12 >candidates
: >calls
"$bazelw" test //... >out 2>&1 || { fail "bazelw should succeed on Debian 12"; cat out; }
grep -q '^apt-get -qq install .*bazel-bootstrap .*zlib1g-dev libtorch-dev$' calls || { fail "all packages should be installed"; cat calls; }
[ "$(tail -n 1 calls)" = "bazel test //..." ] || { fail "Bazel should be called last"; cat calls; }

# With a LibTorch of one's own, Debian's is not installed.
: >calls
LIBTORCH_ROOT=/opt/libtorch "$bazelw" build >out 2>&1 || { fail "bazelw should succeed with LIBTORCH_ROOT"; cat out; }
! grep -q libtorch-dev calls || { fail "libtorch-dev should not be installed where LIBTORCH_ROOT is set"; cat calls; }

# What is there already is not installed.
mkdir -p root/usr/include
touch root/usr/include/zip.h
: >calls
"$bazelw" build >out 2>&1
! grep -q libzip-dev calls || { fail "libzip-dev should not be installed where zip.h is there"; cat calls; }

# Ubuntu: some packages are not known, one has no candidate, and one is too old. Nothing is installed.
echo 'PRETTY_NAME="Ubuntu 22.04.5 LTS"' >root/etc/os-release
debian_12 | grep -v '^bazel-\|^libtorch-dev\|^libabsl-dev\|^libonnx' >candidates
printf 'libonnx-dev (none)\nlibabsl-dev 0~20210324.2-2\n' >>candidates
: >calls
if "$bazelw" run //examples:resnet18_all >out 2>&1; then fail "bazelw should fail on Ubuntu"; fi
! grep -q 'install\|^bazel ' calls || { fail "nothing should be installed or built on Ubuntu"; cat calls; }
for line in 'bazelw: Ubuntu 22.04.5 LTS does not have these packages that the build needs:' \
  '  bazel-bootstrap: not there' '  bazel-rules-java: not there' '  bazel-rules-proto: not there' \
  '  libabsl-dev: version 0~20210324.2-2, but 20220623 or newer is needed' \
  '  libonnx-dev: not there' '  libtorch-dev: not there' \
  'Debian 12 and 13 have all of them. Build there, or in a container:' \
  '  docker run -it -v "$PWD:/ecg" -w /ecg debian:12 ./bazelw run //examples:resnet18_all'; do
  grep -qxF -- "$line" out || fail "the message on Ubuntu should have the line: $line"
done
grep -q 'LIBTORCH_ROOT may name a LibTorch' out || fail "the message should say how to do without libtorch-dev"
[ "$(grep -c ': not there\|is needed$' out)" = 6 ] || fail "the message should name what is not there only"
[ "$failures" = 0 ] || cat out

# Without a network the lists may be too old, which is said.
printf '#!/bin/sh\n[ "$2" != update ]\n' >bin/apt-get
if "$bazelw" build >out 2>&1; then fail "bazelw should fail without the packages"; fi
grep -q 'The package lists could not be updated' out || { fail "lists that could not be updated should be mentioned"; cat out; }

[ "$failures" = 0 ] && echo "all passed"
exit "$((failures > 0))"
