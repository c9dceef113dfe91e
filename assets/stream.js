// Keeps the line open that answers come on for as long as one is owed. Runs before Gradio's own scripts, once.
// Gradio (6.31) closes its line when the server has nothing more to say, even where a key or a click is on its way at
// that moment; the answer to it then lies at the server until something else happens to open the line again.
(() => {
  const plain = window.fetch.bind(window);
  const joining = new Set(); // On their way to the server.
  const owed = new Set(); // Accepted by the server and not answered whole.
  const early = new Set(); // Answered before their acceptance was heard.

  const join = async (reply) => {
    const got = await reply;
    const { event_id: id } = await got.clone().json();
    if (id && !early.delete(id)) owed.add(id);
  };

  const hear = (message) => {
    if (!message.includes('"msg":"process_completed"')) return;
    const [, id] = /"event_id":"(\w+)"/.exec(message) || [];
    if (id && !owed.delete(id)) early.add(id);
  };

  // What the server says, message by message; its farewell is passed on only when nothing is owed any more.
  async function* messages(request, reply) {
    for (;;) {
      let rest = '';
      let farewell = '';
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let got = await reader.read(); !got.done; got = await reader.read()) {
        const whole = (rest + got.value).split('\n\n');
        rest = whole.pop();
        for (const message of whole) {
          if (message.includes('"msg":"close_stream"')) { farewell = message; continue; }
          hear(message);
          yield `${message}\n\n`;
        }
      }
      if (!farewell) return;
      while (joining.size) await Promise.allSettled(joining);
      if (owed.size) reply = await plain(request.clone());
      if (!owed.size || !reply.ok) return yield `${farewell}\n\n`;
    }
  }

  const line = async (request) => {
    const first = await plain(request.clone());
    if (!first.ok) return first;
    const said = messages(request, first);
    const bytes = new TextEncoder();
    const body = new ReadableStream({
      pull: async (out) => {
        const { value, done } = await said.next();
        if (done) out.close(); else out.enqueue(bytes.encode(value));
      },
    });
    return new Response(body, { status: first.status, headers: first.headers });
  };

  window.fetch = (request, options) => {
    const { pathname } = new URL(request.url || request, window.location.href);
    if (pathname.endsWith('/queue/data')) return line(new Request(request, options));
    const reply = plain(request, options);
    if (pathname.endsWith('/queue/join')) {
      // Whoever asked gets the reply only once the event in it is known to be owed.
      const known = join(reply).catch(() => {}).finally(() => joining.delete(known));
      joining.add(known);
      return known.then(() => reply);
    }
    return reply;
  };
})();
