"""The Japanese words in which a run asks the person at its terminal. The letters are the same everywhere."""

TEXTS: dict[str, str] = {
    "dialog.asks": "{spec} からの質問 ({total}件中{number}件目):",
    "dialog.stuck": "{spec} は決定を待っています ({total}件中{number}件目):",
    "dialog.number_or_words": "番号または自由な回答",
    "dialog.words": "自由な回答",
    "dialog.retry": "{key} 再試行",
    "dialog.skip": "{key} スキップ",
    "dialog.continue": "{key} スキップ（依存する仕様は実行）",
    "dialog.abort": "{key} 中止",
    "dialog.wait": "{key} 後で",
    "dialog.out_of_range": "選択肢 {number} はありません（1 から {count} まで）",
    "dialog.doubt": "「{answer}」は選択肢にありません: そのまま送るには Enter、それ以外は聞き直します",
    "dialog.many_lines": "複数行が届いたため、どの行も回答にしていません: 1行で入力するか、もう一度貼り付けるか、aad escalations answer {id} TEXT を使ってください",
    "dialog.one_line": "複数行が届いたため、どの行も受け付けていません",
    "dialog.cut": "端末が行を {count} バイトで切り捨てるため、この行は回答にしていません: 行を短くするか、aad escalations answer {id} TEXT を使ってください",
    "dialog.in_part": "一部だけを表示しています。全文: aad escalations show {id}",
    "dialog.elsewhere": "回答を待たなくなりました",
}
