import pytest
from attrs import evolve

from aad.display.style import ASCII, EMOJI, UNICODE, Symbols
from aad.display.tree import draw_tree
from aad.plan import Plan, make_plan
from aad.spec import Spec, SpecStatus


def number(short: str) -> str:
    return f"SPEC-00{short}"


def spec(short: str, needs: str = "", *, title: str = "", estimate: float | None = None) -> Spec:
    return Spec(id=number(short), depends_on=map(number, needs), title=title, estimate=estimate)


def six_specs() -> Plan:
    """Return a plan with all that a drawing can show."""
    specs = [
        Spec(id="SPEC-001", title="Domain", status=SpecStatus.COMPLETE),
        spec("2", "1", title="Config + workflow"),
        spec("3", "2", title="CLI"),
        spec("4", "123", title="Orchestration"),
        spec("5", "2", title="Persistence", estimate=300),
        spec("6", "45", title="Dashboard"),
    ]
    durations = {"SPEC-002": 250.4, "SPEC-003": 362, "SPEC-004": 750}
    return make_plan(specs, added=frozenset(map(number, "2345")), durations=durations, slots=4)


def draw(plan: Plan, *, lang: str = "en", symbols: Symbols = EMOJI, width: int | None = None) -> list[str]:
    return draw_tree(plan, lang=lang, symbols=symbols, width=width).split("\n")


# --- whole drawings ---


def test_a_plan_is_drawn_with_all_that_is_known() -> None:
    assert draw(six_specs(), width=80) == [
        "📋 Plan (dry run):",
        "  ┌─ SPEC-001  Domain                       complete",
        "  │   └─ SPEC-002  Config + workflow        4m 10s",
        "  │       ├─ SPEC-003  CLI                  6m 2s",
        "  │       │   └─ SPEC-004  Orchestration    12m 30s",
        "  │       │       └─ SPEC-006  Dashboard    no estimate  also after SPEC-005",
        "  │       └─ SPEC-005  Persistence          5m",
        "  Order: SPEC-002 → [SPEC-003, SPEC-005 in parallel] → SPEC-004 → SPEC-006",
        "  Added: SPEC-002, SPEC-003, SPEC-004, SPEC-005 (needed by SPEC-006)",
        "  Estimated time: about 23m, without SPEC-006",
    ]


def test_a_plan_is_drawn_in_japanese() -> None:
    assert draw(six_specs(), lang="ja") == [
        "📋 実行計画（ドライラン）:",
        "  ┌─ SPEC-001  Domain                       完了",
        "  │   └─ SPEC-002  Config + workflow        4分10秒",
        "  │       ├─ SPEC-003  CLI                  6分2秒",
        "  │       │   └─ SPEC-004  Orchestration    12分30秒",
        "  │       │       └─ SPEC-006  Dashboard    推定なし  SPEC-005 にも依存",
        "  │       └─ SPEC-005  Persistence          5分",
        "  実行順序: SPEC-002 → [SPEC-003, SPEC-005 並列] → SPEC-004 → SPEC-006",
        "  追加: SPEC-002, SPEC-003, SPEC-004, SPEC-005（SPEC-006 に必要）",
        "  推定時間: 約23分（SPEC-006 を除く）",
    ]


def test_a_plan_without_titles_or_history_is_drawn_as_the_user_drew_it() -> None:
    plan = make_plan([spec("1"), spec("2", "1"), spec("3", "1")], slots=2)

    assert draw(plan, lang="ja") == [
        "📋 実行計画（ドライラン）:",
        "  ┌─ SPEC-001",
        "  │   ├─ SPEC-002",
        "  │   └─ SPEC-003",
        "  実行順序: SPEC-001 → [SPEC-002, SPEC-003 並列]",
        "  推定時間: 不明（実績なし）",
    ]


@pytest.mark.parametrize(
    ("agents", "english", "japanese"),
    [
        ("command command command", [], []),
        ("claude claude claude", ["  Agent: claude"], ["  エージェント: claude"]),
        (
            "claude,codex command claude,codex",
            ["  Agents: claude → codex (SPEC-001, SPEC-003), command (SPEC-002)"],
            ["  エージェント: claude → codex（SPEC-001, SPEC-003）, command（SPEC-002）"],
        ),
    ],
)
def test_agents_are_named_where_they_are_not_but_commands(
    agents: str, english: list[str], japanese: list[str]
) -> None:
    named = zip("123", agents.split(), strict=True)
    done = Spec(id="SPEC-000", agent="codex", status=SpecStatus.COMPLETE)
    plan = make_plan([done, *(evolve(spec(short), agent=agent) for short, agent in named)], slots=2)

    assert [draw(plan, lang=lang)[6:-1] for lang in ("en", "ja")] == [english, japanese]


def test_an_estimate_that_covers_all_stands_alone() -> None:
    plan = make_plan([spec("1", estimate=312), spec("2", "1", estimate=290)], slots=2)

    assert draw(plan)[-1] == "  Estimated time: about 10m"
    assert draw(plan, lang="ja")[-1] == "  推定時間: 約10分"


def test_ascii_symbols_make_a_drawing_all_ascii() -> None:
    plan = make_plan([spec("1"), spec("2", "1"), spec("3", "1"), spec("4", "2"), spec("5")], slots=2)

    assert draw(plan, symbols=ASCII) == [
        "Plan (dry run):",
        "  |- SPEC-001",
        "  |   |- SPEC-002",
        "  |   |   |- SPEC-004",
        "  |   |- SPEC-003",
        "  |- SPEC-005",
        "  Order: [SPEC-001, SPEC-005 in parallel] -> [SPEC-002, SPEC-003 in parallel] -> SPEC-004",
        "  Estimated time: unknown (no history)",
    ]


def test_a_plan_that_is_no_dry_run_has_another_heading() -> None:
    plan = make_plan([spec("1")], slots=2)

    drawing = draw_tree(plan, lang="en", symbols=UNICODE, dry_run=False)

    assert drawing == "Plan:\n  ┌─ SPEC-001\n  Order: SPEC-001\n  Estimated time: unknown (no history)"


def test_where_all_is_complete_nothing_is_left_to_run() -> None:
    plan = make_plan([spec("1"), spec("2", "1")], done=["SPEC-001", "SPEC-002"], slots=2)

    assert draw(plan) == [
        "📋 Plan (dry run):",
        "  ┌─ SPEC-001        complete",
        "  │   └─ SPEC-002    complete",
        "  Order: nothing left to run",
    ]
    assert draw(plan, lang="ja")[-1] == "  実行順序: なし（すべて完了済み）"


def test_an_empty_plan_is_drawn() -> None:
    assert draw(make_plan([], slots=2)) == ["📋 Plan (dry run):", "  Order: nothing left to run"]


# --- the shape of the tree ---


def tree_of(*specs: Spec, width: int | None = None) -> list[str]:
    drawing = draw(make_plan(specs, slots=2), width=width)
    return [line for line in drawing[1:] if not line.startswith(("  Order", "  Estimated"))]


def test_several_roots_hang_on_one_trunk() -> None:
    assert tree_of(spec("1"), spec("2", "1"), spec("3"), spec("4", "3"), spec("5"), spec("6", "5")) == [
        "  ┌─ SPEC-001",
        "  │   └─ SPEC-002",
        "  ├─ SPEC-003",
        "  │   └─ SPEC-004",
        "  └─ SPEC-005",
        "      └─ SPEC-006",
    ]


def test_a_spec_stands_below_the_dependency_in_the_latest_wave_and_of_two_below_the_last() -> None:
    assert tree_of(spec("1"), spec("2"), spec("3", "12"), spec("4", "13")) == [
        "  ┌─ SPEC-001",
        "  └─ SPEC-002",
        "      └─ SPEC-003        also after SPEC-001",
        "          └─ SPEC-004    also after SPEC-001",
    ]


def test_a_dependency_on_the_branch_above_is_not_named_again() -> None:
    assert tree_of(spec("1"), spec("2", "1"), spec("3", "12")) == [
        "  ┌─ SPEC-001",
        "  │   └─ SPEC-002",
        "  │       └─ SPEC-003",
    ]


def test_several_other_dependencies_are_named_in_id_order() -> None:
    assert tree_of(spec("1"), spec("2"), spec("3"), spec("4", "321")) == [
        "  ┌─ SPEC-001",
        "  ├─ SPEC-002",
        "  └─ SPEC-003",
        "      └─ SPEC-004    also after SPEC-001, SPEC-002",
    ]


def test_columns_line_up_behind_wide_letters() -> None:
    assert tree_of(spec("1", title="設定管理", estimate=5), spec("2", title="CLI", estimate=65)) == [
        "  ┌─ SPEC-001  設定管理    5s",
        "  └─ SPEC-002  CLI         1m 5s",
    ]


def test_nothing_in_a_title_or_id_moves_the_cursor_or_a_column() -> None:
    specs = [
        spec("1", title="one\n\x1b[2Jtwo\u202e\r", estimate=5),
        Spec(id="T\x1b[31m1"),
        spec("2", estimate=5),
    ]

    assert draw(make_plan(specs, slots=2)) == [
        "📋 Plan (dry run):",
        "  ┌─ SPEC-001  one two    5s",
        "  ├─ SPEC-002             5s",
        "  └─ T1                   no estimate",
        "  Order: [SPEC-001, SPEC-002, T1 in parallel]",
        "  Estimated time: about 5s, without T1",
    ]


def test_what_was_added_is_named_with_what_needs_it_in_id_order() -> None:
    specs = [spec("3"), spec("4", "3"), spec("2", "3"), spec("1", "4"), spec("5", "2")]
    plan = make_plan(specs, added=["SPEC-003", "SPEC-004"], slots=2)

    assert draw(plan)[-2] == "  Added: SPEC-003, SPEC-004 (needed by SPEC-001, SPEC-002)"


# --- too deep, too wide ---


def chain(length: int) -> list[Spec]:
    specs = [Spec(id="T01")]
    return specs + [
        Spec(id=f"T{count:02}", depends_on=[f"T{count - 1:02}"]) for count in range(2, length + 1)
    ]


def test_twelve_levels_are_a_tree() -> None:
    assert tree_of(*chain(12))[-1] == "  │" + " " * 43 + "└─ T12"


def test_thirteen_levels_are_a_line_per_wave() -> None:
    plan = make_plan([*chain(13), Spec(id="T99")], done=["T01", "T99"], slots=2)

    assert draw(plan) == [
        "📋 Plan (dry run):",
        "   1  T01 (complete), T99 (complete)",
        *[f"  {count:>2}  T{count:02}" for count in range(2, 14)],
        "  Order: " + " → ".join(f"T{count:02}" for count in range(2, 14)),
        "  Estimated time: unknown (no history)",
    ]


def test_what_is_too_wide_loses_its_titles_first() -> None:
    specs = [spec("1", title="a long title"), spec("2", "1", title="another")]

    assert tree_of(*specs, width=27) == ["  ┌─ SPEC-001  a long title", "  │   └─ SPEC-002  another"]
    assert tree_of(*specs, width=26) == ["  ┌─ SPEC-001", "  │   └─ SPEC-002"]


def test_what_is_too_wide_without_titles_is_a_line_per_wave() -> None:
    specs = [spec("1"), *(spec(short, "1") for short in "23456789")]

    assert tree_of(*specs, width=17) == [
        "  ┌─ SPEC-001",
        *["  │   ├─ SPEC-00" + n for n in "2345678"],
        "  │   └─ SPEC-009",
    ]
    assert tree_of(*specs, width=16) == ["  1  SPEC-001", "  2  +8"]


def test_a_wave_names_as_many_specs_as_there_is_room_for() -> None:
    specs = [*chain(13), *(Spec(id=f"U{count:02}") for count in range(20))]

    widths = (200, 60, 24, 5)
    waves = [tree_of(*specs, width=width)[0] for width in widths]

    assert waves == [
        "   1  T01, " + ", ".join(f"U{count:02}" for count in range(20)),
        "   1  T01, U00, U01, U02, U03, U04, U05, U06, U07, U08, +11",
        "   1  T01, U00, U01, +18",
        "   1  +21",
    ]


# --- size ---


def test_ten_thousand_specs_side_by_side_are_drawn() -> None:
    plan = make_plan([Spec(id=f"T{count:05}") for count in range(10_000)], slots=2)

    drawing = draw(plan, width=80)

    assert len(drawing) == 10_003
    assert drawing[10_000] == "  └─ T09999"


def test_ten_thousand_specs_in_a_chain_are_drawn() -> None:
    needs = [(f"T{count - 1:05}",) if count else () for count in range(10_000)]
    plan = make_plan([Spec(id=f"T{count:05}", depends_on=needs[count]) for count in range(10_000)], slots=2)

    drawing = draw(plan, width=80)

    assert len(drawing) == 10_003
    assert drawing[10_000] == "  10000  T09999"
