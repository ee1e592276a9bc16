(function () {
  "use strict";
  // Make the old tree like the new one and touch nothing else: what the reader
  // opened, selected or focused stays.
  function morph(old, now) {
    if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName || old.id !== now.id) { old.replaceWith(now); return; }
    if (old.nodeType === 3) { if (old.data !== now.data) old.data = now.data; return; }
    if (old.nodeType !== 1) return;
    var news = old.dataset.grade !== now.dataset.grade;
    for (var a of Array.from(old.attributes)) if (!now.hasAttribute(a.name) && (a.name !== "open" || news)) old.removeAttribute(a.name);
    for (a of now.attributes) if (old.getAttribute(a.name) !== a.value && (a.name !== "open" || news)) old.setAttribute(a.name, a.value);
    Array.from(now.childNodes).forEach(function (child, i) {
      var at = old.childNodes[i];
      var same = child.id && document.getElementById(child.id);
      if (same && same !== at && same.parentNode === old) { old.insertBefore(same, at); at = same; }
      if (at) morph(at, child); else old.append(child);
    });
    while (old.childNodes.length > now.childNodes.length) old.lastChild.remove();
  }
  var lost = document.getElementById("lost");
  async function refresh() {
    try {
      var answer = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(4000) });
      if (!answer.ok) throw answer;
      var page = new DOMParser().parseFromString(await answer.text(), "text/html");
      document.title = page.title;
      for (var part of ["header", "main"]) morph(document.querySelector(part), page.querySelector(part));
      lost.hidden = true;
    } catch (e) {
      lost.hidden = false;
    }
    document.body.classList.toggle("lost", !lost.hidden);
    setTimeout(refresh, 5000);
  }
  setTimeout(refresh, 5000);
})();
