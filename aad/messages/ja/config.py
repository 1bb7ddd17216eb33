"""The Japanese words for faults in the settings."""

TEXTS: dict[str, str] = {
    # The file
    "config_unreadable": "読み込めません: {fault}（読めるようにしてください）",
    "config_encoding": "UTF-8 ではありません（UTF-8 で保存してください）",
    "config_syntax": (
        "TOML として正しくありません: {fault}（文字列は引用符で囲み、同じキーは一度だけ書いてください）"
    ),
    "config_monstrous": "数値が長すぎるか、括弧の入れ子が深すぎます（小さくしてください）",
    "config_profile": "プロファイル {profile} はありません（定義済み: {known}）",
    "config_no_profiles": "プロファイル {profile} はありません（[profile.{profile}] として書いてください）",
    # Keys
    "config_unknown": "`{name}` という設定はありません（ここで使えるもの: {known}）",
    "config_unknown_near": "`{name}` という設定はありません（`{near}` のことですか？）",
    "config_variable_near": "{name} という設定はありません（{near} のことですか？）",
    "config_twice": "`{name}` は `{other}` と同じ設定です（`{other}` だけを残してください）",
    "config_specs_missing": '`{name}` がありません（対象の仕様を書いてください: specs = "SPEC-00*"）',
    "config_action_missing": (
        "`{name}` がありません（どう決めるかを書いてください: retry、skip、continue、abort、answer、wait のいずれか）"
    ),
    # Values
    "config_flag": "`{name}` は true か false にしてください（現在: {value}）",
    "config_text": "`{name}` は引用符で囲んだ文字列にしてください（NUL 文字は使えません）",
    "config_list": '`{name}` は ["a", "b"] のようなリストにしてください',
    "config_table": "`{name}` は {{ key = 1 }} のようなテーブルにしてください",
    "config_table_json": '`{name}` は {{"key": 1}} のような JSON オブジェクトにしてください',
    "config_command": ('`{name}` はシェルの一行か、プログラムと引数のリスト ["make", "test"] にしてください'),
    "config_agents": "`{name}` にはエージェントの名前か、名前のリストを指定してください（現在の値: {value}）",
    "config_agents_gap": (
        "`{name}` に空の名前があります: {value}（取り除くか、使うエージェントの名前を書いてください）"
    ),
    "config_agent_name": (
        "`{name}`: この名前のエージェントは作れません（名前には英数字と `_`、`.`、`-` だけを使ってください）"
    ),
    "config_agent_no_kind": (
        "`{name}` がありません。自分で付けた名前のエージェントには種類が必要です: {known} のいずれか"
        '（kind = "claude" のように書くか、表の名前をこのいずれかにしてください）'
    ),
    "config_agent_unknown": (
        "`{name}`: エージェント {agent} はありません（{known} から選ぶか、表 [agents.{agent}] を書いてください）"
    ),
    "config_agent_kind": "`{name}` には {known} のいずれかを指定してください（現在の値: {value}）",
    "config_choice": "`{name}` に {value} は使えません（使えるもの: {known}）",
    "config_later": "`{name}` に {value} はまだ使えません（このバージョンで使えるもの: {known}）",
    "config_whole": "`{name}` は {least} から {most} までの整数にしてください（現在: {value}）",
    "config_number": "`{name}` は {least} から {most} までの数値にしてください（現在: {value}）",
    "config_duration": (
        '`{name}` は "90s"、"30m"、"1h30m" のような 10 年以内の時間にしてください（現在: {value}）'
    ),
    "config_duration_range": "`{name}` は {least} 秒から {most} 秒までにしてください（現在: {value}）",
    "config_size": (
        '`{name}` は "500kB"、"10MB"、"1GiB" のような 1 ペタバイト以内のサイズにしてください（現在: {value}）'
    ),
    "config_size_range": "`{name}` は {least} バイトから {most} バイトまでにしてください（現在: {value}）",
    "config_pattern": "`{name}` は正規表現にしてください: {fault}",
    "config_branch": (
        '`{name}` は "aad/{{spec}}" のように、ID が入る {{spec}} を含め、ほかの波括弧は使わないでください'
        "（現在: {value}）"
    ),
    "config_address": (
        '`{name}` は "mailto://…" のような宛先か、宛先を持つ変数 "$CHAT_URL" の形にしてください'
    ),
    "config_answer": '`{name}` に回答の内容を書いてください: text = "2番目を使ってください。"',
    "config_no_answer": (
        '`{name}` は動作 {value} と一緒には使えません（削除するか、action = "answer" にしてください）'
    ),
    # Rules and bounds without use
    "config_bound_cost": (
        "`{name}` は費用を伝えないエージェントには働きません: {agents}"
        "（`max_tokens` か `max_turns` も設定してください）"
    ),
    "config_rule_action": (
        "`{name}`: この規則が働くことはありません。種類 {kind} に `{action}` はできません（できること: {known}）"
    ),
    "config_rule_late": (
        "`{name}`: この規則が働くことはありません。{before} の規則が先に決めます（その前に移すか、削除してください）"
    ),
    "config_rule_level": (
        "`{name}`: この規則が働くことはありません。`{action}` で決められる種類 {kind} のレベルが {value} になることは"
        "ありません（あり得るもの: {known}）"
    ),
    "config_rule_specs": (
        "`{name}`: この規則が働くことはありません。ID が {value} に一致する仕様がありません"
        "（パターンを直すか、削除してください）"
    ),
    "config_variable": "`{name}` は環境変数の名前にできません（`=` を含まず、空でない名前にしてください）",
}
