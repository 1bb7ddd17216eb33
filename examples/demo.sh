#!/bin/sh
# Shows aad at work on the example project: the plan, the run, what was built. Leaves nothing behind.
#
#     examples/demo.sh AAD_COMMAND [--fail]
#
# With --fail the manual of the example says something wrong: one spec fails for good, what needs it is skipped.
# Then the manual is mended, and the run goes on where it stopped.
set -eu
unset CDPATH

usage() {
    echo "usage: $0 AAD_COMMAND [--fail]" >&2
    exit 2
}

[ $# -ge 1 ] && [ $# -le 2 ] || usage
[ "${2---fail}" = --fail ] || usage
fails=$(($# - 1))

examples=$(cd "$(dirname "$0")" && pwd)
program=$(command -v "$1") || { echo "$0: $1: no such command" >&2; exit 2; }
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
# The sessions find the python3 beside aad first: it is new enough for sure.
PATH=$(dirname "$program"):$PATH
export PATH

folder=$(mktemp -d "${TMPDIR:-/tmp}/aad-demo.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM HUP
cp -R "$examples/project/." "$folder"
cd "$folder"

aad() {
    "$program" "$@"
}

language=${AAD_LANG:-${LANGUAGE:-${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}}}
say() {
    case $language in
        ja*) printf '\n== %s\n' "$2" ;;
        *) printf '\n== %s\n' "$1" ;;
    esac
}

show() {
    printf '$ %s\n' "$*"
    "$@"
}

# Runs aad, says how it ended, and ends the demo if that is not as expected.
orchestrate() {
    expected=$1
    shift
    status=0
    show aad orchestrate "$@" --verbose || status=$?
    case $status in
        0) say "Exit status 0: every spec is complete." "終了ステータス 0: すべての Spec が完了しました。" ;;
        1) say "Exit status 1: not every spec is complete." "終了ステータス 1: 完了していない Spec があります。" ;;
        *) say "Exit status $status." "終了ステータス $status。" ;;
    esac
    [ "$status" -eq "$expected" ] || exit 1
}

if [ "$fails" -eq 1 ]; then
    sed 's/Reiwa 8/Reiwa 9/' "$examples/project/docs/manual.md" > docs/manual.md
fi

say "A small Python program is to be checked, built, tested, documented and packaged. The plan:" \
    "小さな Python プログラムを検査、組み立て、テスト、文書化、パッケージ化します。計画:"
show aad orchestrate --all --dry-run

say "The run:" "実行:"
orchestrate "$fails" --all

if [ "$fails" -eq 1 ]; then
    say "Why SPEC-006 failed, as the parent session was told:" \
        "SPEC-006 が失敗した理由（親セッションへの報告）:"
    show aad escalations show SPEC-006-error

    say "The manual is mended, and the run goes on where it stopped:" "マニュアルを直し、止まったところから再開します:"
    cp "$examples/project/docs/manual.md" docs/manual.md
    orchestrate 0 --resume
fi

say "What was built:" "できあがったもの:"
show python3 build/wareki.pyz 2026-11-22
show python3 build/wareki.pyz --lang ja 2026-11-22
show cat build/RELEASE.md

say "What is known of the run afterwards, in any terminal:" \
    "実行の状態は、あとからでも別の端末からでも確認できます:"
show aad status
