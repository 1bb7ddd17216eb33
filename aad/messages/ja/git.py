"""The Japanese words for what git has to do with a run: why none can be made, what became of the work."""

TEXTS: dict[str, str] = {
    "git_absent": 'git が PATH に見つかりません。このリポジトリのセッションは worktree を使います（git {oldest} 以降を入れるか、`workspace.isolation` を "none" か "directory" にしてください）',
    "git_bare": "ベアリポジトリには、セッションが作業するファイルがありません（clone した場所で aad を実行してください）",
    "git_base_unknown": "`workspace.base` の {base} というブランチ、タグ、コミットは、このリポジトリにありません（`git log {base}` で表示できる名前にするか、空にするとチェックアウト中のものになります）",
    "git_branch_bad": "`workspace.branch` の {branch} からは、git が受け付けるブランチ名を作れません（例: aad/{{spec}}）",
    "git_branch_blocks": "ブランチ {branch} があるため、git は {branch}/… という名前のブランチを作れません（git branch -m {branch} 別の名前）",
    "git_failed": "{told}",
    "git_missing": '`workspace.isolation` が "worktree" ですが、ここは git リポジトリではありません（git init して何かコミットするか、"none" か "directory" にしてください）',
    "git_no_commit": 'このリポジトリには、セッションの出発点になるコミットがまだありません（先に git commit するか、`workspace.isolation` を "none" か "directory" にしてください）',
    "git_old": 'git {found} は古く、セッションの worktree に使えません（git {oldest} 以降を入れるか、`workspace.isolation` を "none" か "directory" にしてください）',
    "git_read_only": '{folder} に書き込めません。各セッションの worktree はここに登録されます（書き込めるようにするか、`workspace.isolation` を "none" か "directory" にしてください）',
    "git_worktree_broken": "強制終了された git が作りかけで残したフォルダーです。これがある限り、git は新しい worktree を作れません（中を確かめてから削除してください）",
    "uncommitted.other": "コミットされていない変更が {count} ファイルにあります。セッションはコミット {base} から始まり、その変更は見えません",
    "workspace_base_missing": '`workspace.base` の {base} というフォルダーはありません。`isolation` が "directory" のセッションはその写しから始まります（フォルダーを作るか、空にすると空のフォルダーから始まります）',
}
