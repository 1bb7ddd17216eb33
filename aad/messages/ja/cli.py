"""The Japanese words for what the commands say, and their help.

In a help text, a line that is a backspace alone keeps the lines below it as they are: the lines are broken here,
because click counts characters, and these are two columns wide.
"""

TEXTS: dict[str, str] = {
    # Help: aad itself.
    "help.aad": """\
\b
仕様を依存関係の順に、並列で実行します。
仕様ごとに、監視つきの子セッションを一つ起動します。

\b
はじめかた:
  aad init                         プロジェクトと最初の仕様を作る
  aad orchestrate --all --dry-run  実行計画を見る
  aad orchestrate --all            実行する
  aad status                       状況を見る（別の端末からでも）

\b
各コマンドの詳細は `aad COMMAND --help` で表示します。""",
    "help.commands": "コマンド",
    "help.init": "プロジェクトを用意する（設定、フォルダー、最初の仕様）",
    "help.orchestrate": "仕様を実行する、または実行計画を表示する",
    "help.status": "実行の状況を表示する",
    "help.logs": "セッションの出力を表示する",
    "help.escalations": "エスカレーションの表示、回答、決定をする",
    "help.graph": "依存関係を図にする",
    "help.runs": "実行の一覧、詳細、整理",
    "help.clean": "不要になった worktree を削除する",
    "help.specs": "仕様ファイルの一覧と検査",
    "help.doctor": "aad がここで動くかどうかを調べる",
    # Help: what several commands have.
    "help.option-color": "色をつける（auto は端末と CI のログで）",
    "help.option-symbols": "使う記号（auto は表示できるもの）",
    "help.option-lang": "表示の言語",
    "help.option-format": "出力の形式（先頭のものが既定）",
    # Help: orchestrate.
    "help.orchestrate.long": """\
\b
仕様を、それぞれの子セッションで実行します。依存先が完了したものから、
並列数の上限まで同時に進めます。失敗の影響を受けるのは、それに依存する
仕様だけです。

\b
例:
  aad orchestrate --all
  aad orchestrate --specs SPEC-001,SPEC-002 --dry-run
  aad orchestrate --specs 'SPEC-00*' --jobs 4 --fail-fast
  aad orchestrate --resume

\b
終了コード:
  0       選んだ仕様がすべて完了した
  1       失敗、タイムアウト、スキップした仕様がある
  2       何も始めていない（使い方、設定、仕様ファイル、依存関係の誤り）
  3       内部エラー
  4       人の回答、利用枠、ディスクの空きを待って止まった
  5       当てはまる仕様がない
  6       別の実行がこのプロジェクトを使っている
  124     実行全体の制限時間に達した
  128+n   シグナル n で終了した""",
    "help.orchestrate.specs": "\b\n実行する仕様の ID またはグロブ\n（引用符で囲む）。必要な仕様も加える",
    "help.orchestrate.all": "承認済みの仕様をすべて実行する",
    "help.orchestrate.dry-run": "実行計画を表示し、何も始めない",
    "help.orchestrate.resume": "\b\n中断した実行を再開する（既定は最新。\nID の先頭だけでもよい）",
    "help.orchestrate.accept-changes": "\b\n--resume で、編集や削除をされた仕様が\nあってもそのまま続ける",
    "help.orchestrate.jobs": "並列数  [default: コア数]",
    "help.orchestrate.schedule": "\b\n依存先が完了しだい始める（eager）か、\n段ごとに始める（waves）",
    "help.orchestrate.agent": "仕様に指定がないときのエージェント",
    "help.orchestrate.fail-fast": "一つでも失敗したら、新しく始めない",
    "help.orchestrate.timeout": "セッションの制限時間（90s、30m、1h30m）",
    "help.orchestrate.specs-dir": "仕様のフォルダー  [default: .aad/specs]",
    "help.orchestrate.no-deps": "\b\n指定した仕様だけを対象にする\n（依存先は満たされたものとみなす）",
    "help.orchestrate.allow-draft": "下書きも対象にする",
    "help.orchestrate.profile": "\b\nconfig/aad.toml の [profile.NAME] の\n設定を使う",
    "help.orchestrate.progress": "\b\n進捗の表示方法（標準エラー出力）\nこのバージョンでは live は plain と同じ",
    "help.orchestrate.log-format": "\b\njson なら全イベントを一行ずつ JSON で\n標準出力に書く",
    "help.orchestrate.quiet": "失敗とサマリーだけを表示する",
    "help.orchestrate.verbose": "時刻、進捗、決定も表示する",
    # Help: the others.
    "help.init.long": """\
\b
このフォルダーにプロジェクトを用意します。すでにプロジェクトの中なら、
足りないものを補います。作るのは、全設定と既定値を書いた config/aad.toml、
仕様と実行のための .aad/、そのまま実行できる最初の仕様です。
すでにあるものは上書きしません。

\b
用意ができたら:
  aad orchestrate --all""",
    "help.status.long": """\
\b
実行中または終わった実行の状況を表示します。既定は最新の実行で、
RUN には実行の ID を指定します（先頭だけでもかまいません）。

\b
プロセスが途中で消えた実行は「中断」と表示します。
`aad orchestrate --resume` で再開できます。

\b
例:
  aad status
  aad status 20261122 --format json""",
    "help.logs.long": """\
\b
仕様 SPEC のセッションの出力を、そのまま表示します。
既定は、最新の実行での最後の試行です。

\b
例:
  aad logs SPEC-003
  aad logs SPEC-003 -f
  aad logs SPEC-003 --attempt 1 --run 20261122-21 | less -R""",
    "help.logs.follow": "セッションが終わるまで表示を続ける",
    "help.logs.attempt": "何回目の試行か  [default: 最後]",
    "help.logs.run": "実行の ID（先頭だけでもよい）  [default: 最新]",
    "help.escalations.long": """\
\b
セッションが親セッションに上げた失敗、質問、問題と、それに対する決定です。
コマンドを付けなければ一覧を表示します。""",
    "help.escalations.list": "一覧を表示する",
    "help.escalations.list.long": """\
\b
すべてのエスカレーションを、新しいものを最後にして表示します
（ID、レベル、種類、日時、状態、理由。実行が複数あれば実行も）。""",
    "help.escalations.show": "一件を詳しく表示する",
    "help.escalations.show.long": """\
\b
一件を詳しく表示します（理由、終わりかた、止まる仕様、質問、決定、
ログの末尾）。ID は一覧にあるものです。ファイルのパスでもかまいません。

\b
例:
  aad escalations show SPEC-003-error
  aad escalations show SPEC-003-error --format json""",
    "help.escalations.answer": "質問に回答する",
    "help.escalations.answer.long": """\
\b
エスカレーションの質問に回答します。選択肢があるときの TEXT は、
そのうちの一つ（文言または番号）です。なければ自由な文です。
ID は一覧にあるものです。ファイルのパスでもかまいません。
待っている実行はすぐに続きます。それ以外は
aad orchestrate --resume で続きます。

\b
例:
  aad escalations answer SPEC-002-warning 2
  aad escalations answer SPEC-002-warning "DuckDB を使う" --free-text
  aad escalations answer SPEC-002-warning -1""",
    "help.escalations.answer.free-text": "選択肢にかかわらず、TEXT をそのまま回答とする",
    "help.escalations.resolve": "セッションをどうするか決める",
    "help.escalations.resolve.long": """\
\b
エスカレーションへの対応を、四つのうちから一つ決めます。
ID は一覧にあるものです。ファイルのパスでもかまいません。
待っている実行はすぐに続きます。それ以外は
aad orchestrate --resume で続きます。

\b
例:
  aad escalations resolve SPEC-003-error --retry
  aad escalations resolve SPEC-003-error --skip --reason "今週は見送り\"""",
    "help.escalations.resolve.retry": "仕様をもう一度試す",
    "help.escalations.resolve.skip": "仕様と、それに依存するものをスキップする",
    "help.escalations.resolve.continue": "仕様をスキップし、それに依存するものは実行する",
    "help.escalations.resolve.abort": "実行を終わらせる",
    "help.escalations.resolve.reason": "理由（決定と一緒に残る）",
    "help.graph.long": """\
\b
仕様の依存関係を図にします。既定はすべての仕様です。
選んだときは、必要な仕様も加えます。何も実行しません。

\b
例:
  aad graph
  aad graph --specs SPEC-004 --format json
  aad graph --format dot | dot -Tsvg > specs.svg""",
    "help.graph.specs": "\b\n図にする仕様の ID またはグロブ\n（引用符で囲む）。必要な仕様も加える",
    "help.graph.all": "すべての仕様を図にする（既定）",
    "help.runs.long": """\
\b
このプロジェクトの実行です。コマンドを付けなければ一覧を表示します。""",
    "help.runs.list": "一覧を表示する",
    "help.runs.list.long": """\
\b
すべての実行を、新しいものを最後にして表示します
（ID、状況、開始日時、時間、仕様の内訳）。""",
    "help.runs.show": "一つを詳しく表示する",
    "help.runs.show.long": """\
\b
一つの実行を、サマリーとともに表示します。既定は最新の実行で、
RUN には実行の ID を指定します（先頭だけでもかまいません）。

\b
例:
  aad runs show
  aad runs show 20261122-21 --format json""",
    "help.runs.prune": "古い実行を削除する",
    "help.runs.prune.long": """\
\b
古すぎる、多すぎる、または大きすぎる実行を、古いものから削除します。
その実行の決定済みのエスカレーションも削除します。
上限は config/aad.toml の [runs] の設定です（0 は上限なし）。

\b
最新の実行は必ず残ります。人の回答を待っている実行も残ります。

\b
例:
  aad runs prune --dry-run
  aad runs prune --keep 20 --max-age 0 --max-size 0

\b
終了コード:
  0   対象をすべて削除した
  1   削除できないものがあった（名前を示す）
  2   何も削除していない（使い方、設定の誤り）
  6   実行がこのプロジェクトを使っている""",
    "help.runs.prune.dry-run": "対象を表示し、何も削除しない",
    "help.runs.prune.keep": "残す実行の数（新しいものから）",
    "help.runs.prune.max-age": "\b\n最後の記録からこの時間が過ぎた実行を\n削除する",
    "help.runs.prune.max-size": "\b\n残す実行の合計サイズの上限\n（新しいものから数える）",
    # Help: clean.
    "help.clean.long": """\
\b
セッションが残した worktree を削除します。
対象は、実行のジャーナルに記録があり、
コミットされていないものが何も残っていない worktree だけです。
それ以外は残し、その理由を表示します。

\b
作業は失われません。統合されたものはブランチに、
失敗したものは refs/aad にあります。
git が無視するファイルは数えず、worktree とともに削除します。
専用フォルダー（isolation = "directory"）は、
結果がそこにしかないため、必ず残します。

\b
例:
  aad clean --dry-run
  aad clean

\b
終了コード:
  0   対象をすべて削除した
  1   調べられない、または削除できないものがあった（名前を示す）
  2   何も削除していない（使い方、設定、リポジトリの誤り）
  6   実行がこのプロジェクトを使っている""",
    "help.clean.dry-run": "対象を表示し、何も変更しない",
    "help.specs.long": """\
\b
このプロジェクトの仕様ファイルです。
コマンドを付けなければ一覧を表示します。""",
    "help.specs.list": "一覧を表示する",
    "help.specs.list.long": """\
\b
すべての仕様を表示します（ID、題名、ステータス、依存先、ファイル）。
仕様ではないファイルは最後に並べます。""",
    "help.specs.check": "仕様ファイルの誤りを調べる",
    "help.specs.check.long": """\
\b
すべての仕様ファイルを読み、誤りをすべて「パス:行」の形で示します。
終了コードは、誤りがなければ 0、あれば 2、仕様がなければ 5 です。""",
    "help.doctor.long": """\
\b
aad がここで動くか、何が保証されるかを調べます（バージョン、プロセスの
封じ込め、git、設定、仕様、フォルダー、エージェント、各種の上限）。
何も書き込まず、git に尋ねることと、エージェントのバージョンを
調べることのほかは何も起動しません。

\b
終了コード:
  0   問題がない（警告はありうる）
  1   問題がある""",
    # Usage.
    "option_duration_bad": "{value} は時間ではありません（90s、30m、1h30m のように書いてください）",
    "specs_and_all": "--specs と --all は同時に使えません（仕様を指定するか、すべてを選んでください）",
    "nothing_selected": (
        "仕様が選ばれていません（--specs SPEC-001,SPEC-002 で指定するか、--all ですべてを選んでください。"
        "--resume は最新の実行を再開します）"
    ),
    "accept_without_resume": "--accept-changes は実行を再開するときに使います（--resume を付けてください）",
    "format_without_dry_run": (
        "--format は実行計画の形式です（--dry-run を付けてください。実行のイベントは --log-format json で出力します）"
    ),
    "output_lost": "標準出力に書き込めません: {cause}（空き容量を作るか、別の場所に書き出してください）",
    "events_lost": "標準出力に書き込めません: {cause}（イベントは出力せずに実行を続けます。ジャーナルには残ります）",
    "windows_refused": "aad は Linux と macOS で動きます（Windows では WSL の中で使ってください）",
    # aad init.
    "init.project": "プロジェクト {folder}",
    "init.wrote": "{path} を作りました",
    "init.kept": "{path} はすでにあります（そのままにしました）",
    "init.agents": "PATH にあるエージェント: {names}（仕様の実行方法は config/aad.toml の [agent] で決めます）",
    "init.no_agents": "PATH にエージェントがありません（仕様は、それぞれの `run:` の行で実行します）",
    "init.next": "次の操作: aad orchestrate --all",
    "init.spec": """\
---
run: echo "Hello from $AAD_SPEC_ID"
---
# {id}: はじめの一歩

**ステータス**: Approved

この仕様は、`run` の行が成功すると完了します。最初の仕事を行うコマンドに書き換えてください。
行を取り除いて、この文章を読んで作業するエージェントを config/aad.toml の [agent] で指定することもできます。

## 依存関係

- なし

## 受け入れ基準

- [ ] `aad logs {id}` であいさつが表示される
""",
    "init_unwritable": "書き込めません: {cause}（書き込めるようにするか、別の場所に移してください）",
    # aad logs.
    "logs.attempt": "==> {spec}（{attempt}回目）",
    "logs_spec_unknown": "{spec} は実行 {run} にありません（あるもの: {known}。別の実行は --run で指定してください）",
    "logs_spec_unknown_near": (
        "{spec} は実行 {run} にありません（{near} のことですか？ 別の実行は --run で指定してください）"
    ),
    "logs_attempt_unknown": "実行 {run} の {spec} には、{attempt}回目のログがありません（あるもの: {there}）",
    "logs_none": "実行 {run} の {spec} にはログがありません（状況は aad status {run} で表示します）",
    "logs_none_here": "実行 {run} の {spec} にはログがありません（最新のログ: aad logs {spec} --run {other}）",
    "logs_unreadable": "読めません: {cause}（読めるようにしてください）",
    # aad runs.
    "runs.none": "まだ実行がありません（aad orchestrate --all で始めてください）",
    "status.unreadable": "読み取り不能",
    # aad runs prune.
    "prune.why.age": "経過時間: {limit}超",
    "prune.why.count": "件数: 最新の{limit}件より前",
    "prune.why.size": "サイズ: 合計 {limit} 超",
    "prune.why.begun": "以前の削除の残り",
    "prune.held.under_way": "保持: 実行中",
    "prune.held.waiting": "保持: 人の対応を待っている（aad escalations）",
    "prune.held.workspaces": "保持: 作業フォルダーが残っている（aad clean）",
    "prune.held.left_out": "保持: どのコミットにもないファイルが残っている（実行のフォルダーの SPEC/ATTEMPT/left-out を確かめてから消す）",
    "prune.size_unknown": "サイズ不明",
    "prune.nothing": "削除するものはありません",
    "prune.planned.other": "{count}件の実行を削除し、{size} を解放します（まだ何も削除していません）",
    "prune.done.other": "{count}件の実行を削除し、{size} を解放しました",
    "prune_impossible": "削除できません: {cause}（削除できるようにしてください。次の aad runs prune でもう一度試みます）",
    # aad clean.
    "clean.removed": "削除しました",
    "clean.planned": "削除の対象",
    "clean.kept.foreign": "保持: aad のものだという記録がどのジャーナルにもない",
    "clean.kept.under_way": "保持: 実行中",
    "clean.kept.waiting": "保持: セッションが回答を待っている",
    "clean.kept.directory": "保持: 結果がここにしかない",
    "clean.kept.locked": "保持: ロックされている（git worktree unlock）",
    "clean.kept.impossible": "保持: 調べられない、または削除できない",
    "clean.kept.unknown": "保持: git の worktree ではなく、ファイルが残っている",
    "clean.kept.repository": "保持: 中のリポジトリに独自の履歴がある",
    "clean.kept.unfinished": "保持: マージやリベースなどが途中になっている",
    "clean.kept.commits": "保持: どのブランチにもないコミットがある",
    "clean.kept.changes": "保持: コミットされていない変更がある",
    "clean.kept.files": "保持: aad がコミットしないファイルがある",
    "clean.none": "削除するものはありません",
    "clean.gone.other": "{count}件の worktree を削除しました",
    "clean.going.other": "{count}件の worktree を削除します（まだ何も削除していません）",
    "clean.stays.other": "{count}件を保持",
    "clean_impossible": "片付けられません: {cause}（原因を取り除いてください。次の aad clean でもう一度試みます）",
    # aad specs.
    "specs.ready": "実行可能",
    "specs.draft": "下書き",
    "specs.complete": "完了済み",
    "specs.not_spec": "仕様ではない",
    "specs.after": "依存: {names}",
    "specs.faults.other": "ファイルに誤りが{count}件あります（aad specs check で表示します）",
    "specs.faultless.other": "仕様 {count}件、誤りはありません",
    # aad escalations.
    "escalations.none": "エスカレーションはありません（セッションの失敗、質問、警告がここに並びます）",
    "escalations_unreadable": "読めません: {cause}（読めるようにしてください）",
    "escalations.state": "状態",
    "escalations.level": "レベル",
    "escalations.kind": "種類",
    "escalations.spec": "仕様",
    "escalations.run": "実行",
    "escalations.when": "日時",
    "escalations.reason": "理由",
    "escalations.failure": "終わりかた",
    "escalations.blocks": "止まる仕様",
    "escalations.files": "ファイル",
    "escalations.specs": "関係する仕様",
    "escalations.work": "作業内容",
    "escalations.log": "ログ",
    "escalations.question": "質問",
    "escalations.decision": "決定",
    "escalations.decided": "{action} (決定: {by})",
    "escalations.next_anew": "{command} ({spec} を、その時点で完了している成果の上でやり直します)",
    "escalations.next_heard": "実行 {run} は進行中です（決定すると 1 秒以内に反映されます）",
    "escalations.state.open": "未決",
    "escalations.state.decided": "決定済み",
    "escalations.level.warning": "警告",
    "escalations.level.error": "エラー",
    "escalations.level.critical": "重大",
    "escalations.kind.failed": "失敗",
    "escalations.kind.timed_out": "タイムアウト",
    "escalations.kind.stalled": "応答なし",
    "escalations.kind.question": "質問",
    "escalations.kind.permission": "権限",
    "escalations.kind.verify_failed": "検証",
    "escalations.kind.conflict": "競合",
    "escalations.kind.rate_limited": "レート制限",
    "escalations.kind.budget": "予算",
    "escalations.kind.auth": "認証",
    "escalations.kind.spawn_failed": "起動失敗",
    "escalations.kind.leaked": "残ったプロセス",
    "escalations.action.retry": "再試行",
    "escalations.action.skip": "スキップ",
    "escalations.action.continue": "スキップして続行",
    "escalations.action.abort": "中止",
    "escalations.action.answer": "回答",
    "escalations.action.wait": "待機",
    "escalations.action.withdraw": "取り下げ",
    "escalations.withdrawn": "取り下げ（エージェントは回答を待っていません）",
    "escalations.by.agent": "エージェント",
    "escalations.by.policy": "方針",
    "escalations.by.handler": "ハンドラー",
    "escalations.by.person": "人",
    "decided.answer": "{id}: 「{answer}」と回答しました",
    "decided.retry": "{id}: {spec} をもう一度試します",
    "decided.skip": "{id}: {spec} と、それに依存するものをスキップします",
    "decided.continue": "{id}: {spec} をスキップし、それに依存するものは実行します",
    "decided.abort": "{id}: 実行を終わらせます",
    "deciding.heard": "実行 {run} がこれを受けて続きます",
    "deciding.ended": "実行 {run} は終了します",
    "deciding.resume": "aad orchestrate --resume {run} で続きます",
    "deciding.not_one": "--retry、--skip、--continue、--abort のいずれか一つを付けてください",
    "escalation_unwritable": "書き込めません: {cause}（原因を取り除いて、もう一度決定してください）",
}
