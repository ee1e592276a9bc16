(function () {
  "use strict";
  // Make old like now: what the reader opened or focused stays.
  function morph(old, now) {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || old.id !== now.id) { old.replaceWith(now); return; }
    if (old.nodeType === 3) { if (old.data !== now.data) old.data = now.data; return; }
    if (old.nodeType !== 1) return;
    var news = old.dataset.grade !== now.dataset.grade;
    for (var a of Array.from(old.attributes)) if (!now.hasAttribute(a.name) && (a.name !== "open" || news)) old.removeAttribute(a.name);
    for (a of now.attributes) if (old.getAttribute(a.name) !== a.value && (a.name !== "open" || news)) old.setAttribute(a.name, a.value);
    var children = Array.from(now.childNodes); // now loses those that move
    children.forEach(function (child, i) {
      var at = old.childNodes[i];
      var same = child.id && document.getElementById(child.id);
      if (same && same !== at && !same.contains(old)) { old.insertBefore(same, at); at = same; }
      if (!at || at.id && at.id !== child.id) old.insertBefore(child, at || null); else morph(at, child);
    });
    while (old.childNodes.length > children.length) old.lastChild.remove();
  }
  var lost = document.getElementById("lost");
  async function refresh() {
    try {
      var answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw answer;
      var page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = page.title;
      var focus = document.activeElement;
      for (var part of ["header", "main"]) morph(document.querySelector(part), page.querySelector(part));
      if (focus.isConnected) focus.focus({ preventScroll: true });
      lost.hidden = true;
    } catch (e) {
      lost.hidden = false;
      document.title = "? no answer · Holdfast";
    }
    document.body.classList.toggle("lost", !lost.hidden);
    setTimeout(refresh, 5000);
  }
  setTimeout(refresh, 5000);
})();
