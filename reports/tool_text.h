// The text of the tools' pages: style sheet beside that of the reports (page_text.h), templates, and the one script.
// What the templates name is filled in tool_page.cpp, mail_test.cpp and tls_test.cpp. The script writes text nodes
// only.
#pragma once

#include <string_view>

namespace everup::reports {

inline constexpr std::string_view kToolStyle = R"css(
.tabs{display:flex;gap:.4rem 1.2rem;flex-wrap:wrap;margin:0 0 1.4rem;font-size:.93rem}
.tabs a[aria-current]{color:var(--ink);font-weight:600;text-decoration:none}
form{margin-top:1.4rem;padding:1.15rem 1.1rem 1.25rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;display:grid;gap:1rem 1.2rem;grid-template-columns:2fr 1.3fr 1fr auto;align-items:start}
label{display:block;font-size:.85rem;font-weight:600;color:var(--soft)}
input,select,button{font:inherit;color:inherit;display:block;width:100%;min-height:2.75rem;margin-top:.25rem;padding:.4rem .7rem;background:var(--ground);border:1px solid var(--soft);border-radius:4px}
form[hidden]{display:none}
button{background:var(--link);border-color:var(--link);color:var(--sheet);font-weight:600;cursor:pointer;padding:.4rem 1.4rem}
.press{padding-top:1.32rem}
input:focus-visible,select:focus-visible,button:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.hint{font-weight:400;font-size:.8rem;color:var(--soft);margin:.25rem 0 0}
h2+.found,h2+.facts,h2+.none,h2+.tags,h2+table{margin-top:.7rem}
.wrong{margin:1.2rem 0 0;padding:.8rem 1.1rem .8rem 2.2rem;border:1px solid var(--down);border-left-width:6px;border-radius:4px;background:var(--sheet)}
.talk{list-style:none;margin:0;padding:.7rem 0;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;font-size:.9rem}
.talk li{display:grid;grid-template-columns:5.2rem 1.4rem minmax(0,1fr);gap:0 .5rem;padding:.18rem 1rem}
.talk .t{text-align:right;color:var(--soft);font-variant-numeric:tabular-nums;font-size:.82rem;padding-top:.1rem;white-space:nowrap}
.talk .m{font-weight:700;text-align:center;color:var(--soft)}
.talk code,pre code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;font-size:.93em}
.talk code{white-space:pre-wrap;unicode-bidi:isolate}
.talk small{display:block;color:var(--soft);font-size:.82rem;line-height:1.4;margin-bottom:.15rem}
.talk .out code,.talk .out .m{color:var(--link)}
.talk .bad code,.talk .bad .m{color:var(--down)}
.talk .late code{color:var(--degraded)}
.talk .say code{font-family:inherit;color:var(--soft);font-style:italic}
.talk .step{border-top:1px dashed var(--rule);margin-top:.35rem;padding-top:.35rem;padding-bottom:.35rem;color:var(--soft);font-size:.85rem}
.talk .step b{color:var(--ink)}
.lock{font-size:.68rem;font-weight:600;letter-spacing:.04em;padding:.05em .4em;border:1px solid var(--up);color:var(--up);border-radius:3px;margin-left:.5em;vertical-align:.1em}
.end{margin:1rem 0 0;font-weight:600}
iframe{display:block;width:100%;height:70vh;min-height:22rem;border:1px solid var(--rule);border-radius:4px;background:var(--sheet)}
.bars{display:grid;grid-auto-flow:row dense;grid-template-columns:max-content minmax(4rem,1fr) max-content;gap:.45rem 1rem;align-items:center;margin:0;padding:1rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;font-size:.92rem}
.bars svg{display:block;width:100%;height:.8rem}.bars rect{fill:var(--fill-plan)}.bars .rest{fill:var(--fill-soft)}
.bars b{font-weight:600;grid-column:1}.bars svg{grid-column:2}.bars span{grid-column:3;text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--soft)}
.bars small{grid-column:1/-1;color:var(--soft);margin:-.3rem 0 .35rem;line-height:1.4}
.facts{display:block;padding:1rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;font-size:.92rem}
.facts div{display:grid;grid-template-columns:11rem minmax(0,1fr);gap:.2rem 1rem;padding:.22rem 0}
.facts dt{white-space:normal}.facts dd{text-align:left}
.facts+.facts{margin-top:.7rem}
.found{list-style:none;margin:0;padding:0;display:grid;gap:.6rem}
.found li{padding:.75rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-left:6px solid var(--tone);border-radius:4px}
.found b{color:var(--tone)}.found p{margin:.2rem 0 0;color:var(--soft);font-size:.92rem}
.tags{list-style:none;display:flex;flex-wrap:wrap;gap:.4rem;margin:0;padding:0}
.tags li{padding:.15rem .6rem;border:1px solid var(--rule);border-radius:3px;background:var(--sheet);font-size:.88rem}
.grade{display:flex;gap:1.2rem;align-items:center;flex-wrap:wrap;margin:1.25rem 0 0;padding:1rem 1.2rem;background:var(--sheet);border:1px solid var(--rule);border-left:6px solid var(--tone);border-radius:4px}
.grade .letter{font-family:Charter,"Noto Serif",Georgia,"Liberation Serif",serif;font-size:3.6rem;line-height:1;font-weight:600;color:var(--tone);min-width:4.4rem;text-align:center}
.grade p{margin:0}.grade ul{margin:.3rem 0 0;padding-left:1.1rem;color:var(--soft);font-size:.93rem}
pre{margin:0;padding:1rem 1.1rem;background:var(--sheet);border:1px solid var(--rule);border-radius:4px;white-space:pre-wrap;font-size:.88rem}
@media (max-width:56rem){form{grid-template-columns:1fr 1fr}.wide{grid-column:1/-1}.press{padding-top:0}}
@media (max-width:40rem){form{grid-template-columns:1fr}.talk li{grid-template-columns:1.2rem minmax(0,1fr);padding:.25rem .7rem}.talk .t{grid-column:1/-1;text-align:left;padding:0}.facts div{grid-template-columns:1fr;gap:0;padding:.35rem 0}.bars{grid-template-columns:1fr max-content}.bars span{grid-column:2}.bars svg{grid-column:1/-1}.talk .step{display:block}}
@media print{iframe,form,.tabs{display:none}}
)css";

// The stream's own page: it grows from the bottom, so the newest line is in sight without script.
inline constexpr std::string_view kStreamHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{title}}, live</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<style>{{{style}}}
html,body{height:100%}body{display:flex;flex-direction:column-reverse;overflow:auto;background:var(--sheet)}.talk{border:0;width:100%;margin-bottom:auto}.last{margin:.6rem 1rem 0}</style>
</head>
<body>
<ol class="talk">
)html";

inline constexpr std::string_view kLineTemplate =
    R"html(<li class="{{class}}"><span class="t">{{at}} ms</span><span class="m">{{mark}}</span><span><code>{{text}}</code>{{#tls}}<span class="lock">TLS</span>{{/tls}}{{#has_note}}<small>{{note}}</small>{{/has_note}}</span></li>
)html";

inline constexpr std::string_view kStepTemplate =
    R"html(<li class="step"><span class="t"></span><span class="m">✓</span><span><b>{{step}}</b> took {{took}} ms{{#has_code}}, answered {{code}}{{/has_code}}{{#has_meaning}}: {{meaning}}{{/has_meaning}}</span></li>
)html";

inline constexpr std::string_view kStreamEnd =
    R"html(<li class="last"><b><a href="/tools/{{word}}/{{id}}" target="_top">It has ended: see the whole report</a></b></li>
</ol>
</body>
</html>
)html";

inline constexpr std::string_view kStreamBroken =
    R"html(<li class="last"><b>Everup is being restarted: this test is lost. Please start it again in a minute.</b></li>
</ol>
</body>
</html>
)html";

inline constexpr std::string_view kToolHead = R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{title}}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
{{#refresh}}<meta http-equiv="refresh" content="2">
{{/refresh}}<style>{{{style}}}</style>
</head>
<body>
<div class="page">
<header>
<nav class="tabs" aria-label="Tools"><a href="/tools/smtp"{{#is_smtp}} aria-current="page"{{/is_smtp}}>Mail server test</a><a href="/tools/tls"{{#is_tls}} aria-current="page"{{/is_tls}}>TLS test</a><a href="/tools/mail"{{#is_mail}} aria-current="page"{{/is_mail}}>Deliverability</a></nav>
)html";

inline constexpr std::string_view kToolFoot =
    R"html(<footer><p>Tested by Everup{{#has_version}} {{version}}{{/has_version}}</p></footer>
</div>
</body>
</html>
)html";

inline constexpr std::string_view kFormTemplate = R"html(<h1>{{heading}}</h1>
<p class="lead">{{lead}}</p>
</header>
<main>
{{#has_errors}}<ul class="wrong" role="alert">
{{#errors}}<li>{{text}}</li>
{{/errors}}</ul>
{{/has_errors}}<form method="post" action="/tools/{{word}}" id="ask"{{#closed}} hidden{{/closed}}>
<div class="wide"><label for="target">{{target_label}}</label><input id="target" name="{{field}}" value="{{target}}" placeholder="{{placeholder}}" required maxlength="300" autocomplete="off" autocapitalize="none" spellcheck="false"><p class="hint">{{target_hint}}</p></div>
{{#is_smtp}}<div><label for="to">Recipient, if you like</label><input id="to" name="to" value="{{to}}" placeholder="bob@example.com" maxlength="254" autocomplete="off" autocapitalize="none" spellcheck="false"><p class="hint">asked for, then taken back: nothing is sent</p></div>
{{/is_smtp}}{{#is_mail}}<div><label for="address">Sending address</label><input id="address" name="address" value="{{address}}" placeholder="192.0.2.25" maxlength="45" autocomplete="off" spellcheck="false"><p class="hint">the IP address that your mail leaves from</p></div>
<div><label for="selector">DKIM selector</label><input id="selector" name="selector" value="{{selector}}" placeholder="s1" maxlength="63" autocomplete="off" autocapitalize="none" spellcheck="false"><p class="hint">s= in a mail of yours</p></div>
{{/is_mail}}{{^is_mail}}<div><label for="starttls">{{mode_label}}</label><select id="starttls" name="starttls">
{{#modes}}<option value="{{value}}"{{#chosen}} selected{{/chosen}}>{{label}}</option>
{{/modes}}</select></div>
{{/is_mail}}<div class="press"><button>Test</button></div>
</form>
<p class="note" id="limits">{{limits}}</p>
{{{content}}}<script src="/tools/live.js" async></script>
</main>
)html";

inline constexpr std::string_view kTestTemplate = R"html(<p class="kicker">{{heading}}</p>
<h1 dir="auto">{{target}}</h1>
<p class="target">{{created}}; this address shows it for 24 hours</p>
</header>
<main>
{{#running}}<div class="state t-maintenance"><strong>Running</strong><span>every line as it happens</span></div>
<section aria-labelledby="live-title"><h2 id="live-title">Live</h2>
<ol class="talk" id="live" aria-live="polite" data-events="/api/v1/{{word}}_tests/{{id}}/events" hidden></ol>
<noscript><iframe title="The test, line by line" src="/tools/{{word}}/{{id}}/stream"></iframe></noscript>
<script src="/tools/live.js" async></script></section>
{{/running}}{{#elsewhere}}<div class="state t-maintenance"><strong>Running</strong><span>on another machine of this service; this page looks again every two seconds</span></div>
{{/elsewhere}}{{#lost}}<div class="state t-unknown"><strong>Lost</strong><span>Everup was restarted in the middle of it. <a href="/tools/{{word}}">Start it again</a></span></div>
{{/lost}}{{{content}}}</main>
)html";

inline constexpr std::string_view kMissingToolTemplate = R"html(<h1>There is no such test</h1>
<p class="lead">Tests are kept for 24 hours; then, or when the address is mistyped, there is nothing. <a href="/tools/{{word}}">Make a new one</a></p>
</header>
<main></main>
)html";

inline constexpr std::string_view kStateBar =
    R"html(<div class="state t-{{tone}}">{{{icon}}}<strong>{{verdict}}</strong><span>{{cause}}</span>{{#has_detail}}<p dir="auto">{{detail}}</p>{{/has_detail}}</div>
)html";

inline constexpr std::string_view kMailTemplate =
    R"html({{{state_bar}}}<section aria-labelledby="talk"><h2 id="talk">The dialogue</h2>
<p class="lead">→ is what we said, ← what the server said, each with the milliseconds since the start. Under it stands what it means and where that is written.</p>
<ol class="talk">
{{{lines}}}</ol>
{{#has_dropped}}<p class="note">{{dropped}} more lines were not kept.</p>
{{/has_dropped}}</section>
<section aria-labelledby="steps"><h2 id="steps">Where the time went</h2>
<p class="lead">{{total}} ms in all{{#has_address}}, with {{address}}{{/has_address}}; it ended after {{stopped_at}}{{#has_code}}, answered {{code}}{{#has_enhanced}} {{enhanced}}{{/has_enhanced}}{{/has_code}}.</p>
{{{bars}}}</section>
{{#has_hosts}}<section aria-labelledby="hosts"><h2 id="hosts">Every mail host</h2>
<p class="lead">By preference, each over every address family it has; the dialogue above is that of the first that failed, else of the first.</p>
<ul class="found">
{{#hosts}}<li class="mono">{{text}}</li>
{{/hosts}}</ul></section>
{{/has_hosts}}{{#has_findings}}<section aria-labelledby="findings"><h2 id="findings">Worth knowing</h2>
<ul class="found">
{{#findings}}<li class="t-degraded">{{text}}</li>
{{/findings}}</ul></section>
{{/has_findings}}<section aria-labelledby="tls"><h2 id="tls">Encryption</h2>
{{#has_tls}}<dl class="facts"><div><dt>Version</dt><dd>{{tls_version}}</dd></div><div><dt>Suite</dt><dd class="mono">{{tls_cipher}}</dd></div><div><dt>Certificate</dt><dd>{{tls_judgement}}</dd></div>{{#has_certificate}}<div><dt>For</dt><dd>{{names}}</dd></div><div><dt>Issued by</dt><dd>{{issuer}}</dd></div><div><dt>Valid</dt><dd>{{valid}}</dd></div><div><dt>SHA-256</dt><dd class="mono">{{sha256}}</dd></div>{{/has_certificate}}</dl>
{{/has_tls}}{{^has_tls}}<p class="none">None was spoken in this dialogue: everything above went over the line as you see it.</p>
{{/has_tls}}</section>
{{#has_capabilities}}<section aria-labelledby="can"><h2 id="can">What the server says it can do</h2>
<ul class="tags">
{{#capabilities}}<li class="mono">{{text}}</li>
{{/capabilities}}</ul></section>
{{/has_capabilities}}{{{save}}})html";

inline constexpr std::string_view kSaveTemplate =
    R"html(<section aria-labelledby="save"><h2 id="save">Watch it from now on</h2>
<p class="lead">The same test as a monitor, once a minute, told when it changes. {{#has_link}}<a href="{{link}}" target="_top">Save it as a monitor</a> if you are signed in here. {{/has_link}}With a key of yours:</p>
<pre><code>{{command}}</code></pre></section>
)html";

inline constexpr std::string_view kDeliverabilityTemplate =
    R"html(<div class="state t-{{tone}}">{{{icon}}}<strong>{{verdict}}</strong><span dir="auto">{{domain}}</span></div>
<section aria-labelledby="findings"><h2 id="findings">What was found</h2>
<ul class="found">
{{#findings}}<li class="t-{{tone}}"><b>{{level}}</b> {{check}}: {{found}}<p>{{means}}</p>{{#has_publish}}<p>Publish: <code class="mono">{{publish}}</code></p>{{/has_publish}}</li>
{{/findings}}</ul></section>
)html";

inline constexpr std::string_view kTlsTemplate =
    R"html({{#has_grade}}<div class="grade t-{{grade_tone}}"><span class="letter">{{grade}}</span><div><p><strong>{{grade_words}}</strong></p>{{#has_reasons}}<ul>
{{#reasons}}<li>{{text}}</li>
{{/reasons}}</ul>{{/has_reasons}}</div></div>
{{/has_grade}}{{{state_bar}}}{{#has_findings}}<section aria-labelledby="findings"><h2 id="findings">Findings</h2>
<ul class="found">
{{#findings}}<li class="t-{{tone}}"><b>{{severity}}</b> {{text}}{{#has_fix}}<p>{{fix}}</p>{{/has_fix}}</li>
{{/findings}}</ul></section>
{{/has_findings}}{{#has_protocols}}<section aria-labelledby="protocols"><h2 id="protocols">Protocols</h2>
<table class="fold"><thead><tr><th scope="col">Version</th><th scope="col">Offered</th><th scope="col">Suite it chose</th></tr></thead>
<tbody>
{{#protocols}}<tr><th scope="row" data-label="Version">{{name}}</th><td data-label="Offered">{{offer}}</td><td data-label="Suite" class="mono">{{cipher}}</td></tr>
{{/protocols}}</tbody></table></section>
{{/has_protocols}}<section aria-labelledby="shake"><h2 id="shake">Connection</h2>
<dl class="facts">{{#facts}}<div><dt>{{name}}</dt><dd>{{text}}</dd></div>{{/facts}}</dl></section>
{{#has_chain}}<section aria-labelledby="chain"><h2 id="chain">Certificates</h2>
<p class="lead">As the server sent them, its own first.</p>
{{#chain}}<dl class="facts"><div><dt>{{ordinal}}</dt><dd>{{subject}}</dd></div>{{#has_names}}<div><dt>Names</dt><dd>{{names}}</dd></div>{{/has_names}}<div><dt>Issued by</dt><dd>{{issuer}}</dd></div><div><dt>Valid</dt><dd>{{valid}}</dd></div><div><dt>Key</dt><dd>{{key}}</dd></div><div><dt>Signature</dt><dd>{{signature}}</dd></div><div><dt>SHA-256</dt><dd class="mono">{{sha256}}</dd></div></dl>
{{/chain}}</section>
{{/has_chain}}<section aria-labelledby="steps"><h2 id="steps">Step by step</h2>
<p class="lead">{{total}} ms until the handshake was done; the rest is the examination.</p>
{{{bars}}}</section>
{{{save}}})html";

inline constexpr std::string_view kToolScript = R"js("use strict";
(function () {
  var list = document.getElementById("live"), form = document.getElementById("ask");
  // Who is signed in here is no stranger: his form goes with the session's token, which only our own pages can read.
  function send(token) {
    form.hidden = false;
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-CSRF-Token": token } })
        .then(function (reply) {
          if (reply.redirected) { location.assign(reply.url); return; }
          return reply.text().then(function (text) {
            var main = new DOMParser().parseFromString(text, "text/html").querySelector("main");
            if (!main) { document.getElementById("limits").textContent = "It was refused (" + reply.status + ")."; return; }
            document.querySelector("main").replaceWith(main);
            form = document.getElementById("ask");
            if (form) send(token);
          });
        }, function () { document.getElementById("limits").textContent = "Everup cannot be reached."; });
    });
  }
  if (form) fetch("/api/v1/session").then(function (reply) {
    if (reply.ok) reply.json().then(function (session) { send(session.csrf_token); });
  }, function () {});
  if (!list) return;
  var base = list.getAttribute("data-events");
  if (!window.EventSource) { location.replace(location.pathname.replace(/\/$/, "") + "/stream"); return; }
  list.hidden = false;
  function element(name, className, text) {
    var made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function row(className, time, mark) {
    var item = element("li", className), body = element("span");
    item.appendChild(element("span", "t", time === null ? "" : time + " ms"));
    item.appendChild(element("span", "m", mark));
    item.appendChild(body);
    var near = window.innerHeight + window.scrollY > document.documentElement.scrollHeight - 160;
    list.appendChild(item);
    if (near) window.scrollTo(0, document.documentElement.scrollHeight);
    return body;
  }
  var source = new EventSource(base);
  source.addEventListener("line", function (event) {
    var line = JSON.parse(event.data), kind = line.dir === "note" ? "say" : line.dir;
    if (line.dir === "in" && /^[45]/.test(line.text)) kind += line.text.charAt(0) === "5" ? " bad" : " late";
    var body = row(kind, line.at_ms, line.dir === "out" ? "\u2192" : line.dir === "in" ? "\u2190" : "\u00b7");
    body.appendChild(element("code", "", line.text));
    if (line.tls && line.dir !== "note") body.appendChild(element("span", "lock", "TLS"));
    if (line.note) body.appendChild(element("small", "", line.note));
  });
  source.addEventListener("step", function (event) {
    var step = JSON.parse(event.data), body = row("step", null, "\u2713");
    body.appendChild(element("b", "", step.step));
    body.appendChild(document.createTextNode(" took " + step.ms + " ms"));
    if (step.code) body.appendChild(document.createTextNode(", answered " + step.code));
    if (step.meaning) body.appendChild(document.createTextNode(": " + step.meaning));
  });
  source.addEventListener("done", function () { source.close(); location.reload(); });
})();
)js";

}  // namespace everup::reports
