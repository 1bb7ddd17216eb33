import json

from aad.display.graphs import render_dot, render_json, render_mermaid
from aad.plan import Plan, make_plan
from aad.spec import Spec, SpecStatus


def small_plan() -> Plan:
    specs = [
        Spec(id="SPEC-001", title="Domain基盤", status=SpecStatus.COMPLETE, path=".aad/specs/SPEC-001.md"),
        Spec(id="SPEC-002", title="Config", depends_on=["SPEC-001"], estimate=90.0),
        Spec(id="SPEC-003", depends_on=["SPEC-001", "SPEC-002"], agent="codex", status=SpecStatus.DRAFT),
    ]
    return make_plan(specs, added=["SPEC-002"], slots=2)


def hostile_plan() -> Plan:
    title = 'say "hi" & <i>#1</i> `x` \\N\n\x1b[31mred'
    return make_plan([Spec(id="end", title=title)], slots=1)


def test_json_holds_the_plan_as_promised() -> None:
    assert json.loads(render_json(small_plan())) == {
        "version": 1,
        "specs": [
            {
                "id": "SPEC-001",
                "title": "Domain基盤",
                "path": ".aad/specs/SPEC-001.md",
                "status": "complete",
                "depends_on": [],
                "wave": 0,
                "agent": "command",
                "estimate_s": None,
                "added": False,
            },
            {
                "id": "SPEC-002",
                "title": "Config",
                "path": None,
                "status": "ready",
                "depends_on": ["SPEC-001"],
                "wave": 1,
                "agent": "command",
                "estimate_s": 90.0,
                "added": True,
            },
            {
                "id": "SPEC-003",
                "title": "",
                "path": None,
                "status": "draft",
                "depends_on": ["SPEC-001", "SPEC-002"],
                "wave": 2,
                "agent": "codex",
                "estimate_s": None,
                "added": False,
            },
        ],
        "waves": [["SPEC-001"], ["SPEC-002"], ["SPEC-003"]],
        "order": [["SPEC-002"], ["SPEC-003"]],
        "estimate_s": 90.0,
    }


def test_json_is_ascii_whatever_the_titles_hold() -> None:
    assert render_json(small_plan()).isascii()


def test_json_of_nothing_is_a_plan_too() -> None:
    document = json.loads(render_json(make_plan([], slots=1)))

    assert document == {"version": 1, "specs": [], "waves": [], "order": [], "estimate_s": None}


def test_mermaid_draws_the_plan() -> None:
    assert render_mermaid(small_plan()) == (
        "flowchart LR\n"
        '  n0["SPEC-001<br/>Domain基盤"]:::complete\n'
        '  n1["SPEC-002<br/>Config"]:::ready\n'
        '  n2["SPEC-003"]:::draft\n'
        "  n0 --> n1\n"
        "  n0 --> n2\n"
        "  n1 --> n2\n"
        "  classDef complete fill:#dcfce7,stroke:#6b7280,color:#111827\n"
        "  classDef draft fill:#f3f4f6,stroke:#6b7280,color:#111827\n"
        "  classDef ready fill:#dbeafe,stroke:#6b7280,color:#111827"
    )


def test_nothing_in_a_title_ends_a_mermaid_label() -> None:
    assert render_mermaid(hostile_plan()) == (
        "flowchart LR\n"
        '  n0["end<br/>say #quot;hi#quot; #38; #60;i#62;#35;1#60;/i#62; #96;x#96; \\N red"]:::ready\n'
        "  classDef ready fill:#dbeafe,stroke:#6b7280,color:#111827"
    )


def test_dot_draws_the_plan() -> None:
    assert render_dot(small_plan()) == (
        'digraph "plan" {\n'
        '  rankdir="LR";\n'
        '  node [shape="box", style="filled,rounded", color="#6b7280"];\n'
        '  "SPEC-001" [label="SPEC-001\\nDomain基盤", class="complete", fillcolor="#dcfce7"];\n'
        '  "SPEC-002" [label="SPEC-002\\nConfig", class="ready", fillcolor="#dbeafe"];\n'
        '  "SPEC-003" [label="SPEC-003", class="draft", fillcolor="#f3f4f6"];\n'
        '  "SPEC-001" -> "SPEC-002";\n'
        '  "SPEC-001" -> "SPEC-003";\n'
        '  "SPEC-002" -> "SPEC-003";\n'
        "}"
    )


def test_nothing_in_a_title_ends_a_dot_string() -> None:
    assert render_dot(hostile_plan()) == (
        'digraph "plan" {\n'
        '  rankdir="LR";\n'
        '  node [shape="box", style="filled,rounded", color="#6b7280"];\n'
        '  "end" [label="end\\nsay \\"hi\\" & <i>#1</i> `x` \\\\N red", '
        'class="ready", fillcolor="#dbeafe"];\n'
        "}"
    )


def test_an_empty_plan_is_an_empty_drawing() -> None:
    plan = make_plan([], slots=1)

    assert render_mermaid(plan) == "flowchart LR"
    assert render_dot(plan) == (
        'digraph "plan" {\n  rankdir="LR";\n  node [shape="box", style="filled,rounded", color="#6b7280"];\n}'
    )
