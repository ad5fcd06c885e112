/** Charts as SVG, by vega-lite; the libraries are loaded when the first chart is drawn. */

/** What is used of the two libraries: their own types need a browser's. */
interface Vega {
  readonly parse: (spec: object) => object
  readonly View: new (runtime: object, options: { readonly renderer: "none" }) => { toSVG(): Promise<string> }
}
interface VegaLite {
  readonly compile: (spec: object) => { readonly spec: object }
}
/** Names, not literals, so that the compiler does not look into them. */
const [vega, vegaLite]: readonly [string, string] = ["vega", "vega-lite"]

/** One axis: which column of the rows, and its scale. */
export interface Axis {
  readonly column: string
  readonly scale?: "linear" | "log"
}

/** Lines of points, each row one, labelled. Every backend has its own. */
export interface Chart {
  readonly title: string
  readonly x: Axis
  /** Several columns are several lines for each backend, of one unit. */
  readonly y: readonly string[]
  /** A column that says what all lines are held against: one more line. */
  readonly reference?: string
  readonly unit: string
}

/** A line of a table: `label`, and numbers by column. */
export type Row = Readonly<Record<string, string | number | undefined>>

/** Draws rows as a chart. */
export function drawChart(chart: Chart, rows: readonly Row[]): Promise<string> {
  const hasSeveral = new Set(rows.map((row) => row["backend"])).size > 1
  const points = chart.y.flatMap((column) =>
    rows.filter((row) => row[column] !== undefined).map((row) => {
      const parts = [hasSeveral ? row["backend"] : undefined, row["series"], hasSeveral && chart.y.length === 1 ? undefined : column]
      return { label: row["label"], x: row[chart.x.column], y: row[column], line: parts.filter((part) => part !== undefined).join(", ") }
    }),
  )
  const { reference } = chart
  const references = reference === undefined ? [] : rows.map((row) => ({ x: row[chart.x.column], y: row[reference], line: reference }))
  const [x, y] = [
    { field: "x", type: "quantitative", title: chart.x.column, scale: chart.x.scale === "log" ? { type: "log" } : { zero: false } },
    { field: "y", type: "quantitative", title: chart.unit, scale: { zero: false } },
  ] as const
  return render({
    title: chart.title,
    width: 480,
    height: 320,
    data: { values: [...points, ...references] },
    layer: [
      { mark: { type: "line", point: true }, encoding: { x, y, color: { field: "line", type: "nominal", title: null } } },
      { mark: { type: "text", dy: -10, fontSize: 10 }, encoding: { x, y, text: { field: "label", type: "nominal" } } },
    ],
  })
}

/** Draws amounts by kind as bars, the largest first. */
export function drawBars(title: string, unit: string, amounts: Readonly<Record<string, number>>): Promise<string> {
  return render({
    title,
    width: 480,
    data: { values: Object.entries(amounts).map(([kind, amount]) => ({ kind, amount })) },
    mark: "bar",
    encoding: {
      y: { field: "kind", type: "nominal", sort: "-x", title: null },
      x: { field: "amount", type: "quantitative", title: unit },
    },
  })
}

/** Draws what a vega-lite specification says. */
export async function render(spec: object): Promise<string> {
  const [{ View, parse }, { compile }] = (await Promise.all([import(vega), import(vegaLite)])) as [Vega, VegaLite]
  const view = new View(parse(compile({ background: "white", ...spec }).spec), { renderer: "none" })
  return view.toSVG()
}
