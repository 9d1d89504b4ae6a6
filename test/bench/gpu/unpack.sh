#!/bin/sh
# Measures training on this machine's GPU: our engines and PyTorch, one table. Everything it needs follows the last line
# of this text, compressed; it is unpacked into a temporary folder, run, and removed. Options: sh FILE --help
set -eu
skipped=@LINES@
compression=@COMPRESSION@
folder=$(mktemp -d "${TMPDIR:-/tmp}/entail-gpu-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

uncompressed() {
  if [ "$compression" = gzip ]; then
    gzip -dc
  elif command -v xz >/dev/null 2>&1; then
    xz -dc
  elif command -v python3 >/dev/null 2>&1; then
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.stdin.buffer), sys.stdout.buffer)'
  else
    echo "xz or python3 is needed to unpack this file." >&2
    return 1
  fi
}

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  echo "This package is for Linux on x86-64; this is $(uname -s) on $(uname -m)." >&2
  exit 1
fi
tail -n +"$skipped" "$0" | uncompressed | tar -xof - -C "$folder"
if [ ! -x "$folder/node" ]; then
  echo "This file is damaged: it does not unpack." >&2
  exit 1
fi
status=0
"$folder/node" "$folder/dist/bench/run.js" "$@" || status=$?
exit "$status"
