/**
 * One style sheet for screen and paper. Colours are those of the other pages (after Okabe and Ito), as dark as text of 7:1
 * needs; states differ in sign and word as well.
 */
export const reportStyle = `
:root{--ink:#1c2126;--quiet:#454e57;--edge:#d9d4c8;--ground:#f3f1ec;--card:#fff;--grid:#ebe8e0;--up:#005a8e;--down:#b34700;--other:#6b2f5b;--good:#005a45;--good-ground:#e2f2ec;--bad:#8f2408;--bad-ground:#fbe6df;--open:#5f3f00;--open-ground:#fbefd5;--allowed:#e2f2ec}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:60rem;margin:1.5rem auto;padding:2.25rem 2.5rem;background:var(--card);border:1px solid var(--edge);border-radius:14px}
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;align-items:flex-start;justify-content:space-between;padding-bottom:1.1rem;border-bottom:3px solid var(--ink)}
.kicker{margin:0;font-size:.8rem;font-weight:600;letter-spacing:.09em;text-transform:uppercase;color:var(--quiet)}
h1{margin:.1rem 0 .2rem;font-size:1.9rem;line-height:1.15;letter-spacing:-.015em}
h2{margin:2.2rem 0 .6rem;font-size:1.3rem;line-height:1.25;letter-spacing:-.01em}
h2 .badge{margin-left:.4rem}
h3{margin:1.6rem 0 .5rem;font-size:1.02rem}
h4{margin:1.3rem 0 .1rem;font-size:1rem}
p{margin:.35rem 0}
.sub,.question{color:var(--quiet)}
.badge{display:inline-block;padding:.12rem .65rem;border-radius:99px;font-size:.85rem;font-weight:650;white-space:nowrap;vertical-align:.12em;letter-spacing:0}
header .badge{font-size:1.15rem;padding:.4rem 1.1rem;margin-top:.4rem}
.passed{background:var(--good-ground);color:var(--good)}
.failed{background:var(--bad-ground);color:var(--bad)}
.incomplete{background:var(--open-ground);color:var(--open)}
.legal{margin:1rem 0 0;padding:.6rem .9rem;border-left:4px solid var(--open);background:var(--open-ground);border-radius:0 8px 8px 0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:.2rem 2rem;margin:1.2rem 0 0}
.facts h2{margin:.6rem 0 .2rem;font-size:.8rem;letter-spacing:.09em;text-transform:uppercase;color:var(--quiet)}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem .9rem;margin:0}
dt{color:var(--quiet)}
dd{margin:0;overflow-wrap:anywhere}
.hash{font:.82em/1.4 ui-monospace,"DejaVu Sans Mono",monospace}
.scroll{overflow-x:auto;margin:.5rem 0}
.scroll:focus-visible{outline:3px solid var(--up);outline-offset:2px}
table{width:100%;border-collapse:collapse;font-size:.88rem}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
th,td{padding:.3rem .7rem .3rem 0;text-align:left;vertical-align:baseline;border-bottom:1px solid var(--grid)}
thead th{color:var(--quiet);font-weight:600;border-bottom:1.5px solid var(--edge);white-space:nowrap}
tbody th{font-weight:600;white-space:nowrap}
.test td,.loads td,.summary td:nth-child(3){white-space:nowrap}
.test td:last-child,.loads td:last-child{white-space:normal;min-width:7rem}
.summary td:last-child{min-width:15rem}
.yes{color:var(--good)}
.no{color:var(--bad);font-weight:700}
.missing{color:var(--open);font-weight:600}
.note{color:var(--quiet)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),1fr));gap:1rem 1.5rem;margin:1rem 0}
figure{margin:0;break-inside:avoid}
figcaption{font-size:.85rem;color:var(--quiet)}
.plot{display:block;width:100%;height:auto;font:14px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.plot text{fill:var(--ink)}
.plot .name{fill:var(--quiet)}
.plot .value{font-weight:650}
.allowed{fill:var(--allowed)}
.limit{fill:none;stroke:var(--good);stroke-width:1.5;stroke-dasharray:5 4}
.grid{stroke:var(--edge);stroke-opacity:.6}
.zero{stroke:var(--quiet)}
.axis,.tick{stroke:var(--quiet)}
.line{fill:none;stroke-width:1.75;stroke-linejoin:round}
.line.up{stroke:var(--up)}.line.down{stroke:var(--down);stroke-dasharray:7 3}.line.other{stroke:var(--other)}
.mark.up{fill:var(--up)}.mark.down{fill:var(--down)}.mark.other{fill:var(--other)}
.plate{fill:var(--ground);stroke:var(--edge);stroke-width:1.5}
.corner{stroke-width:2}
.corner.good{fill:var(--good);stroke:var(--good)}.corner.bad{fill:var(--bad);stroke:var(--bad)}.corner.silent{fill:var(--card);stroke:var(--quiet);stroke-dasharray:3 3}
.cross{stroke:#fff;stroke-width:2.4;stroke-linecap:round}
footer{margin-top:2.5rem;padding-top:.9rem;border-top:1px solid var(--edge);font-size:.85rem;color:var(--quiet)}
.sign{display:grid;grid-template-columns:1fr 1fr;gap:2.5rem;margin:2.8rem 0 0;break-inside:avoid}
.sign p{margin:0;padding-top:.35rem;border-top:1px solid var(--ink);font-size:.85rem;color:var(--quiet)}
@media (max-width:40rem){
body{font-size:16px;background:var(--card)}
main{margin:0;padding:1.1rem 1rem 2rem;border:0;border-radius:0}
h1{font-size:1.55rem}
header .badge{margin-top:0}
.sign{gap:1.2rem}
}
@page{size:A4;margin:14mm 14mm 16mm}
@media print{
:root{--ground:#fff}
html{font-size:9.6pt}
body{font-size:9.6pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:none;margin:0;padding:0;border:0;border-radius:0}
.figures{grid-template-columns:1fr 1fr}
.facts{grid-template-columns:1fr 1fr}
.plate-section+.plate-section{break-before:page}
h2,h3,h4{break-after:avoid}
tr{break-inside:avoid}
.scroll{overflow:visible}
}
`;
