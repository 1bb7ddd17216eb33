"""The Japanese words by which people away from the run are told of it, and why they could not be."""

TEXTS: dict[str, str] = {
    # Titles, by the kind of the escalation.
    "notify.title.failed": "aad: {spec} が失敗しました",
    "notify.title.timed_out": "aad: {spec} がタイムアウトしました",
    "notify.title.stalled": "aad: {spec} の応答がありません",
    "notify.title.question": "aad: {spec} から質問があります",
    "notify.title.permission": "aad: {spec} が許可を求めています",
    "notify.title.verify_failed": "aad: {spec} の検証に失敗しました",
    "notify.title.conflict": "aad: {spec} でマージの競合が起きました",
    "notify.title.rate_limited": "aad: {spec} がレート制限に達しました",
    "notify.title.budget": "aad: {spec} が予算の上限に達しました",
    "notify.title.auth": "aad: {spec} の認証に失敗しました",
    "notify.title.spawn_failed": "aad: {spec} を起動できませんでした",
    "notify.title.leaked": "aad: {spec} がプロセスを残しました",
    # Notifiers, as the warnings about them name them.
    "notify.name_command": "通知コマンド",
    "notify.name_desktop": "デスクトップ通知",
    "notify.name_apprise": "apprise 通知（{number}番目）",
    # Warnings.
    "notify.failed": "{escalation} の{name}に失敗しました: {why}",
    "notify.late": "{escalation} の{name}が{limit}秒を超えたため打ち切りました",
    "notify.missing": "この環境では{name}を使えません: {why}",
    "notify.more.other": "{name}は、ほかに{count}回失敗しました",
    "notify.left.other": "{name}を終了時に打ち切りました（未通知のエスカレーション {count}件）",
    # Why.
    "notify.desktop_missing": 'osascript も、デスクトップに接続できる notify-send も見つかりません（[escalation] の `notify` から "desktop" を外してください）',
    "notify.variable_unset": "変数 {variable} が設定されていません",
    "notify.apprise_missing": "ライブラリ apprise がインストールされていません（pip install 'aad-orchestrator[apprise]'）",
    "notify.apprise_address": "apprise が宛先を解釈できません",
    "notify.apprise_refused": "サービスに拒否されました（HTTP ステータス {status}）",
    "notify.apprise_undelivered": "サービスに接続できないか、受け付けられませんでした",
}
