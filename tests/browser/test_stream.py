"""The line that answers come on, against a server that says farewell while an answer is owed."""

import pytest
from playwright.sync_api import Browser

from medvlm.ui.theme import asset

# A server of our own making in place of `fetch`: `lines` are what it says on each line that is opened, in pieces; an
# array among them is an event that is joined at that moment, with the milliseconds until the server accepts it.
SERVER = """([script, lines]) => {
    const at = (path) => `http://page.invalid/gradio_api/queue/${path}`;
    const wait = (time) => new Promise((done) => setTimeout(done, time));
    let opened = 0;
    window.fetch = async (asked, options) => {
        if (!(asked.url || asked).includes('/queue/data')) {
            const { id, time } = JSON.parse(options.body);
            await wait(time);
            return new Response(JSON.stringify({ event_id: id }));
        }
        const said = lines[opened++];
        const bytes = new TextEncoder();
        return new Response(new ReadableStream({
            start: async (out) => {
                for (const piece of said) {
                    if (typeof piece === 'string') out.enqueue(bytes.encode(piece));
                    else join(...piece);
                    await wait(20);
                }
                out.close();
            },
        }));
    };
    const join = (id, time) => window.fetch(at('join'), { method: 'POST', body: JSON.stringify({ id, time }) });
    (0, eval)(script);
    return join('a', 0)
        .then(() => window.fetch(new Request(at('data'))))
        .then(async (line) => [await line.text(), opened]);
}"""
END = 'data: {"msg":"close_stream","event_id":null}\n\n'


def done(event: str) -> str:
    return (
        f'data: {{"msg":"process_completed","event_id":"{event}","output":{{"data":["\\\\n\\\\n close_stream"]}}}}\n\n'
    )


@pytest.mark.parametrize(
    ("lines", "heard", "opened"),
    [
        ([[done("a"), END]], done("a") + END, 1),
        ([[done("a")[:30], done("a")[30:] + END[:9], END[9:]]], done("a") + END, 1),
        ([[done("a"), ["b", 0], END], [done("b"), END]], done("a") + done("b") + END, 2),
        ([[done("a"), ["b", 200], END], [done("b"), END]], done("a") + done("b") + END, 2),
        ([[["b", 60], done("b"), done("a"), END]], done("b") + done("a") + END, 1),
        (
            [[done("a"), ["b", 0], END], [["c", 0], done("b"), END], [done("c"), END]],
            "".join(map(done, "abc")) + END,
            3,
        ),
        ([[done("a")]], done("a"), 1),
    ],
    ids=[
        "alone",
        "in pieces",
        "accepted before the end",
        "on its way at the end",
        "answered first",
        "again",
        "broken off",
    ],
)
def test_the_line_stays_open_for_as_long_as_an_answer_is_owed(
    browser: Browser, lines: list[object], heard: str, opened: int
) -> None:
    page = browser.new_page()
    assert page.evaluate(SERVER, [asset("stream.js"), lines]) == [heard, opened]
    page.close()
