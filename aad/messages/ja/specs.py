"""The Japanese words for faults in spec files, in what was selected, and in the graph."""

TEXTS: dict[str, str] = {
    "cycle": "依存関係が循環しています: {cycle}（いずれかの依存を取り除いてください）",
    # Ids
    "spec_id_empty": "ID が空です（SPEC-001 のような ID を書いてください）",
    "spec_id_characters": "{id} は ID に使えません（使えるのは文字、数字、`.`、`_`、`-` だけです）",
    "spec_id_long": "{id} は ID として長すぎます（{limit} バイトまで）",
    "spec_id_dots": (
        "{id} は ID に使えません（先頭の `.` と `-`、末尾の `.` と `.lock`、途中の `..` は使えません）"
    ),
    "spec_id_reserved": (
        "{id} は ID に使えません（aad が同名のファイルかブランチを使います。別の名前にしてください）"
    ),
    "spec_id_heading": (
        "見出しは {heading} ですが、この仕様は {id} です（ファイル名か見出しを直してください）"
    ),
    "spec_id_twice": (
        "{id} は {other} の ID でもあります"
        "（大文字と小文字の違いだけでは区別できません。一方を変えてください）"
    ),
    # Files
    "spec_folder_missing": (
        "{folder} がありません"
        "（`aad init` で最初の仕様を作るか、--specs-dir で別のフォルダーを指定してください）"
    ),
    "spec_folder_unreadable": "{folder} を読めません: {fault}（読めるようにしてください）",
    "spec_none_found": (
        "{folder} に仕様がありません（SPEC-001.md のように書くか、`aad init` で作ってください）"
    ),
    "spec_file_name": "ファイル名に表示できない文字があります（名前を変えてください）",
    "spec_no_file": "ファイルではありません（取り除くか、.md で終わらない名前にしてください）",
    "spec_unreadable": "読めません: {fault}（読めるようにするか、取り除いてください）",
    "spec_empty": "空です（内容を書くか、取り除いてください）",
    "spec_encoding": "UTF-8 ではありません（UTF-8 で保存してください）",
    "spec_nul": "NUL バイトがあります（UTF-8 のテキストとして保存してください）",
    # Heads
    "spec_head_open": "フロントマターの終わりがありません（`---` の行で閉じてください）",
    "spec_head_yaml": "フロントマターが正しい YAML ではありません: {fault}（値を引用符で囲んでみてください）",
    "spec_head_no_keys": "フロントマターは `キー: 値` の行で書いてください",
    "spec_head_deep": "フロントマターの入れ子が深すぎます（値は文字列か文字列のリストです）",
    "spec_key_twice": "`{key}` は {first} 行目にもあります（一方だけ残してください）",
    "spec_key_unknown": "未知のキー `{key}` です（独自のキーは `x-` で始めてください）",
    "spec_key_unknown_near": (
        "未知のキー `{key}` です（{near} のことですか？ 独自のキーは `x-` で始めてください）"
    ),
    "spec_value_text": "`{key}` は一つの文字列にしてください（引用符で囲んでみてください）",
    "spec_value_texts": "`{key}` は文字列か文字列のリストにしてください",
    "spec_value_command": "`{key}` はシェルの一行か、プログラムと引数のリストにしてください",
    "spec_value_choice": "`{key}` に {value} は使えません（使えるもの: {known}）",
    "spec_value_duration": '`{key}` は "90s"、"30m"、"1h30m" のような時間にしてください（今の値: {value}）',
    "spec_value_count": "`{key}` は 0 から {limit} までの整数にしてください（今の値: {value}）",
    "spec_value_integer": "`{key}` は -{limit} から {limit} までの整数にしてください（今の値: {value}）",
    "spec_status": "未知のステータス {status} です（使えるもの: {known}）",
    "spec_range": "{range} は ID の範囲ではありません（小さいほうから大きいほうへ、{limit} 件まで）",
    # References
    "spec_unresolved": "{id} に依存していますが、存在しません（作るか、依存を取り除いてください）",
    "spec_unresolved_near": "{id} に依存していますが、存在しません（{near} のことですか？）",
    "spec_conflict_unresolved": "{id} と競合するとありますが、存在しません（作るか、取り除いてください）",
    "spec_conflict_unresolved_near": "{id} と競合するとありますが、存在しません（{near} のことですか？）",
    # Selection
    "select_empty": (
        "仕様が指定されていません（--specs SPEC-001,SPEC-002 で指定するか、--all ですべてを選んでください）"
    ),
    "select_unknown": "{name} に当てはまる仕様がありません（`aad specs` で一覧を表示します）",
    "select_unknown_near": "{name} に当てはまる仕様がありません（{near} のことですか？）",
    "select_only_drafts": "下書きしかありません: {ids}（承認するか、--allow-draft を付けてください）",
    "select_draft": "{id} は下書きです（承認するか、--allow-draft を付けてください）",
    "select_draft_needed": (
        "{id} に依存していますが、下書きです（承認するか、--allow-draft を付けてください）"
    ),
}
