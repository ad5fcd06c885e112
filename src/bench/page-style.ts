/** How a report looks. */
export const pageStyle = `
:root { color-scheme: light; --ink: #1c2430; --soft: #5b6675; --line: #e3e7ec; --paper: #fff; --back: #f5f7f9; --good: #0b7a4b; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1020px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 22px; margin: 44px 0 4px; letter-spacing: -.01em; }
h3 { font-size: 17px; margin: 0 0 2px; }
p { margin: 6px 0 12px; max-width: 74ch; }
.soft, .caption { color: var(--soft); }
.caption { font-size: 14px; margin: 0 0 14px; }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 20px 22px; margin: 16px 0; overflow-x: auto; }
.card svg { max-width: 100%; height: auto; display: block; }
.warning { background: #fff8e6; border-color: #f0d9a0; }
.warning ul { margin: 6px 0 0; padding-left: 20px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 15px; width: 100%; }
th, td { padding: 7px 8px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); font-size: 14px; }
td:first-child, th:first-child { text-align: left; white-space: normal; min-width: 190px; padding-left: 0; }
tr:last-child td { border-bottom: 0; }
td small { color: var(--soft); font-size: 12.5px; }
td .about { display: block; color: var(--soft); font-size: 13px; }
.best { font-weight: 700; }
.better { color: var(--good); font-weight: 600; }
.worse { color: var(--bad); font-weight: 600; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-right: 6px; }
ul.plain { padding-left: 20px; margin: 8px 0; max-width: 78ch; }
details { margin: 12px 0; }
summary { cursor: pointer; color: var(--soft); }
code, pre { font: 13.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; overflow-x: auto; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 8px 0; font-size: 15px; }
dt { color: var(--soft); } dd { margin: 0; }
@media print { body { background: #fff; } .card { break-inside: avoid; } }
`
