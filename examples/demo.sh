#!/bin/sh
# Shows aad at work on the example project: the plan, the run, what was built. Leaves nothing behind.
#
#     examples/demo.sh AAD_COMMAND [--fail]
#
# With --fail the manual of the example says something wrong: one spec fails for good, what needs it is skipped.
# Then the manual is mended, and the run goes on where it stopped.
# At last sessions work side by side in a git repository, and what they made is merged.
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
mkdir "$folder/project" "$folder/repository"
cp -R "$examples/project/." "$folder/project"
cd "$folder/project"

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

# What needs git: worktrees for sessions ask for 2.38 or newer.
has_git() {
    version=$(git version 2>/dev/null) || return 1
    version=${version#git version }
    major=${version%%.*}
    minor=${version#*.}
    minor=${minor%%.*}
    [ "$major" -gt 2 ] || { [ "$major" -eq 2 ] && [ "$minor" -ge 38 ]; }
}

if ! has_git; then
    say "The second half was left out: it needs git 2.38 or newer." "後半は省きました。git 2.38 以降が必要です。"
    exit 0
fi

# Nobody's settings, no repository around: what is shown is the same everywhere.
GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_PAGER=cat
export GIT_CONFIG_GLOBAL GIT_CONFIG_NOSYSTEM GIT_PAGER
# shellcheck disable=SC2046 # one name a line
unset $(git rev-parse --local-env-vars)
cp -R "$examples/repository/." "$folder/repository"
cd "$folder/repository"
git init --quiet
git symbolic-ref HEAD refs/heads/main
git config user.name "aad demo"
git config user.email demo@localhost
git add --all
git commit --quiet --message "Numbers as people write them"

say "In a git repository each session has a worktree of its own. Three change the same files, a fourth builds on them:" \
    "git リポジトリーでは、セッションごとに専用の worktree を使います。三つが同じファイルを書き換え、四つ目がその上に作ります:"
orchestrate 0 --all

say "What they committed; your branch, main, is where it was:" \
    "セッションがコミットしたもの（あなたのブランチ main は元のままです）:"
show git log --graph --oneline --all --decorate

say "You merge when you like:" "好きなときにマージします:"
branch=$(git for-each-ref --format="%(refname:short)" refs/heads/aad/run)
show git merge "$branch"
show python3 -m suji 2026
