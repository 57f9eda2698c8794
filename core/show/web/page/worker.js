"use strict";
// The worker holds the program. It is asked {id, what, …} and answers {id, …}; in between it tells {id, told} how far it is.
(() => {
  const pieces = new FileReaderSync();

  // input is what the program reads a file through, a piece at a time: a file of any size takes no more memory than one.
  function input(id, file, kind = "") {
    let last = 0;
    return {
      name: file.name || "pasted text",
      modified: file.lastModified || 0,
      size: file.size,
      kind,
      read(offset, length) {
        try {
          return new Uint8Array(pieces.readAsArrayBuffer(file.slice(offset, offset + length)));
        } catch (e) {
          return e.name; // of a folder, or a file that has gone
        }
      },
      tell(octets) {
        const now = performance.now();
        if (now - last > 100) {
          last = now;
          postMessage({ id, told: octets });
        }
      },
    };
  }

  const does = {
    add: (m) => knak.add(input(m.id, m.file, m.kind)),
    draw: (m) => knak.draw(m.ids),
    save: (m) => knak.save(m.ids),
    bundle: (m) => knak.bundle(m.of, input(m.id, m.file, m.kind)),
  };

  async function start(program) {
    const packed = Uint8Array.from(atob(program), (c) => c.charCodeAt(0));
    const whole = new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
    const go = new Go();
    const { instance } = await WebAssembly.instantiate(await whole, go.importObject);
    go.run(instance).finally(() => { throw new Error("the program has ended"); });
    // What a first log would wait for: the formats are read, and the browser compiles what is needed.
    const text = "Jan  1 00:00:00 x pppd[1]: sent [LCP ConfReq id=0x1 <mru 1500>]\nJan  1 00:00:01 x pppd[1]: Modem hangup\n";
    knak.add(input(0, new File([text], "warm")));
    knak.draw([0]);
  }

  onmessage = async ({ data: m }) => {
    try {
      if (m.what === "start") {
        await start(m.program);
        postMessage({ id: m.id, limit: knak.limit, kinds: knak.kinds.split(" ") });
        return;
      }
      const out = does[m.what](m);
      if (out === undefined) throw new Error("the program has ended");
      postMessage(out.error ? { id: m.id, error: out.error } : { id: m.id, out });
    } catch (e) {
      postMessage({ id: m.id, broken: String(e && e.message || e) });
    }
  };
})();
