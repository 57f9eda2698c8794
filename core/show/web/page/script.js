"use strict";
// The page: it takes files, asks the worker, and shows what it answers. What a log holds is text here, never markup; the report is
// markup that the program has made, and the policy of the page forbids that anything in it runs.
(() => {
  const $ = (id) => document.getElementById(id);
  const status = $("status"), list = $("list"), report = $("report");
  let worker, asked, next, limit, ready; // of the program that runs
  let files = []; // what was given: {file, parts}
  let chosen = []; // {file, part}: what the report shows, two at most
  let queue = Promise.resolve();

  // say tells everybody, and those who hear the page.
  const say = (text) => { status.textContent = text; };

  function element(tag, text, name) {
    const e = document.createElement(tag);
    e.textContent = text;
    if (name) e.className = name;
    return e;
  }

  const size = (n) => (n < 1e6 ? `${Math.ceil(n / 1e3)} kB` : `${(n / 1e6).toFixed(n < 1e7 ? 1 : 0)} MB`);

  // start begins the program, and again where it was stopped or has broken.
  function start() {
    if (worker) worker.terminate();
    for (const a of (asked || new Map()).values()) a.fail(new Error("stopped"));
    asked = new Map();
    next = 0;
    const url = URL.createObjectURL(new Blob([$("worker").textContent], { type: "text/javascript" }));
    worker = new Worker(url);
    URL.revokeObjectURL(url);
    worker.onmessage = ({ data: m }) => {
      const a = asked.get(m.id);
      if (!a) return;
      if (m.told !== undefined) {
        a.told(m.told);
        return;
      }
      asked.delete(m.id);
      if (m.broken) a.fail(Object.assign(new Error(m.broken), { broken: true }));
      else if (m.error) a.fail(new Error(m.error));
      else a.done(m);
    };
    worker.onerror = (e) => {
      e.preventDefault();
      const all = [...asked.values()];
      asked.clear();
      for (const a of all) a.fail(Object.assign(new Error(e.message || "the program has ended"), { broken: true }));
    };
    ready = ask({ what: "start", program: $("program").textContent }).then((m) => {
      limit = m.limit;
      if ($("kind").length === 1) for (const k of m.kinds) $("kind").append(new Option(k, k));
      document.documentElement.dataset.ready = "yes";
    });
    return ready;
  }

  function ask(m, told = () => {}) {
    return new Promise((done, fail) => {
      const id = next++;
      asked.set(id, { done, fail, told });
      worker.postMessage({ ...m, id });
    });
  }

  // work shows that something takes long, and lets it be stopped.
  async function work(name, total, f) {
    const bar = $("progress");
    bar.removeAttribute("value");
    $("far").textContent = "";
    const shown = setTimeout(() => { $("working").hidden = false; say(`Reading ${name} …`); }, 300);
    try {
      return await f((octets) => {
        bar.value = Math.min(octets / total, 1);
        $("far").textContent = `${size(octets)} of ${size(total)}`;
      });
    } finally {
      clearTimeout(shown);
      $("working").hidden = true;
    }
  }

  // again begins a program that has ended, and gives it what it had.
  async function again() {
    await start();
    for (const f of files) if (f.file) f.parts = JSON.parse((await ask({ what: "add", file: f.file, kind: f.kind })).out);
    chosen = chosen.map((c) => ({ ...c, part: c.from.parts[c.at] }));
  }

  // failed says what went wrong, and gives the words.
  async function failed(what, e) {
    const words = e.message === "stopped" ? "It was stopped." : e.broken ? `knak itself has failed on it (${e.message}). Please report that, with the file if you may.` : `${e.message}.`;
    if (e.broken || e.message === "stopped") await again();
    say(`${what}: ${words}`);
    return words;
  }

  // take judges what was given, one file after another.
  function take(given) {
    given = [...given];
    queue = queue.then(() => takeAll(given)).catch((e) => say(`The page has failed: ${e.message}`));
    return queue;
  }

  async function takeAll(given) {
    if (!given.length) return;
    await ready;
    const added = [];
    for (const file of given) {
      const f = await judged(file);
      files.push(f);
      f.parts.forEach((part, at) => { if (part.id >= 0) added.push({ from: f, part, at }); });
      const p = f.parts.find((p) => p.id >= 0) || f.parts[0];
      say(`${p.name}: ${p.sentence}`);
    }
    if (added.length === 1 && chosen.length === 1) chosen.push(added[0]);
    else if (added.length === 2) chosen = added;
    else if (added.length) chosen = [added.find((a) => !a.part.good) || added[0]];
    listAll();
    if (!added.length) return;
    await draw();
    status.scrollIntoView({ block: "nearest" });
  }

  // judged has a file read: {file, parts}. What could not be read has no file, and one part that says why.
  async function judged(file) {
    const not = (sentence) => ({ parts: [{ id: -1, name: file.name, sentence }] });
    if (file.size > limit) {
      return not(`It has ${size(file.size)}, and this page reads up to ${size(limit)}. knak diagnose reads it at a prompt; or cut out the part around the call.`);
    }
    try {
      const kind = $("kind").value;
      const parts = JSON.parse((await work(file.name, file.size, (told) => ask({ what: "add", file, kind }, told))).out);
      return parts.length ? { file, kind, parts } : not("There is no file in it.");
    } catch (e) {
      return not(await failed(file.name, e));
    }
  }

  function listAll() {
    $("read").hidden = !files.length;
    $("kinds").hidden = files.length > 0;
    $("pasting").open = !files.length;
    list.replaceChildren();
    for (const f of files) {
      for (const [at, part] of f.parts.entries()) {
        const li = element("li", "", part.id < 0 ? "none" : part.good ? "good" : "");
        const label = element("label", ""), words = element("span", "");
        words.append(element("b", part.name), `: ${part.sentence}`);
        if (part.id >= 0) {
          const box = element("input", "");
          box.type = "checkbox";
          box.checked = chosen.some((c) => c.part === part);
          box.onchange = () => choose({ from: f, part, at }, box.checked);
          label.append(box);
        }
        label.append(words);
        li.append(label);
        if (part.id >= 0) {
          const b = element("button", "Save a masked bundle");
          b.setAttribute("aria-label", `Save a masked bundle of ${part.name}`);
          b.onclick = () => bundle(f, part, at);
          li.append(b);
        }
        list.append(li);
      }
    }
  }

  // choose shows or hides one; with a third the first goes.
  async function choose(c, on) {
    chosen = chosen.filter((o) => o.part !== c.part);
    if (on) chosen = [...chosen.slice(-1), c];
    const at = [...list.querySelectorAll("input")].indexOf(document.activeElement);
    listAll();
    if (at >= 0) list.querySelectorAll("input")[at].focus();
    await draw();
  }

  async function draw() {
    if (!chosen.length) {
      report.replaceChildren();
      return;
    }
    try {
      const { out } = await ask({ what: "draw", ids: chosen.map((c) => c.part.id) });
      report.innerHTML = out.markup;
      knakReport(report, JSON.parse(out.rows));
      report.dataset.drawn = chosen.map((c) => c.part.name).join(" ");
      say(out.sentence || `${chosen[0].part.name}: ${chosen[0].part.sentence}`);
    } catch (e) {
      await failed("The report", e);
    }
  }

  function download(octets, type, name) {
    const a = element("a", "");
    a.href = URL.createObjectURL(new Blob([octets], { type }));
    a.download = name;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    say(`Saved as ${name}.`);
  }

  // plain is a name of a file without what a system might not take.
  const plain = (name) => name.replace(/^.*[/\\:]/, "").replace(/[^\w.-]+/g, "-").replace(/\.[^.]*$/, "") || "call";

  async function bundle(f, part, at) {
    try {
      const { out } = await work(part.name, f.file.size, (told) => ask({ what: "bundle", of: f.parts[at].id, file: f.file, kind: f.kind }, told));
      download(out, "application/zip", `${plain(part.name)}-masked.zip`);
    } catch (e) {
      await failed(part.name, e);
    }
  }

  $("save").onclick = async () => {
    if (!chosen.length) {
      say("Choose first what the report is to show.");
      return;
    }
    try {
      const { out } = await ask({ what: "save", ids: chosen.map((c) => c.part.id) });
      download(out, "text/html", `${chosen.map((c) => plain(c.part.name)).join("-and-")}-report.html`);
    } catch (e) {
      await failed("The report", e);
    }
  };
  $("forget").onclick = async () => {
    files = [];
    chosen = [];
    $("text").value = "";
    listAll();
    await draw();
    await start();
    say("All is forgotten.");
    $("file").focus();
  };
  $("stop").onclick = () => { for (const a of asked.values()) a.fail(new Error("stopped")); asked.clear(); };
  $("file").onchange = async () => { await take($("file").files); $("file").value = ""; };
  $("paste").onsubmit = (e) => {
    e.preventDefault();
    const text = $("text").value;
    if (!text.trim()) say("There is no text to judge.");
    else take([new File([text], "pasted text")]);
  };
  document.onpaste = (e) => {
    if (e.clipboardData && e.clipboardData.files.length) {
      e.preventDefault();
      take(e.clipboardData.files);
    } else if (e.clipboardData && !(e.target.closest && e.target.closest("textarea,input"))) {
      const text = e.clipboardData.getData("text/plain");
      if (text.trim()) take([new File([text], "pasted text")]);
    }
  };
  // unfold gives the files in folders, the first hundred of them.
  async function unfold(entries) {
    const found = [];
    for (const left = [...entries]; left.length && found.length < 100;) {
      const entry = left.shift();
      if (entry.isFile) found.push(await new Promise((done, fail) => entry.file(done, fail)));
      else {
        const reader = entry.createReader();
        for (;;) { // it gives them a hundred at a time
          const some = await new Promise((done, fail) => reader.readEntries(done, fail));
          if (!some.length || left.length > 10000) break;
          left.push(...some);
        }
      }
    }
    return found;
  }

  let over = 0;
  document.ondragenter = (e) => { e.preventDefault(); over++; $("drop").classList.add("over"); };
  document.ondragleave = () => { if (--over <= 0) { over = 0; $("drop").classList.remove("over"); } };
  document.ondragover = (e) => e.preventDefault();
  document.ondrop = (e) => {
    e.preventDefault();
    over = 0;
    $("drop").classList.remove("over");
    const text = e.dataTransfer.getData("text/plain");
    const given = [...e.dataTransfer.items].map((i) => i.kind === "file" && i.webkitGetAsEntry && i.webkitGetAsEntry());
    if (given.some((g) => g && g.isDirectory)) unfold(given.filter(Boolean)).then(take, () => say("The browser does not give this page a folder, as one that was opened from a disk: drop the files in it, or a zip."));
    else if (e.dataTransfer.files.length) take(e.dataTransfer.files);
    else if (text.trim()) take([new File([text], "dropped text")]);
  };

  if (!("WebAssembly" in window) || !("DecompressionStream" in window)) say("This browser is too old for this page: it needs WebAssembly and DecompressionStream (2023 or newer).");
  else start().then(() => say("Ready."), (e) => say(`The program does not start here: ${e.message}`));
})();
