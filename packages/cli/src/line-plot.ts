import { axisX, axisY, dot, gridY, lineY, plot, ruleX, ruleY } from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import { cut } from './format.ts'

/** A point of a line; `low` and `high` bound its confidence interval. */
export interface PlotPoint {
  x: number
  y: number
  low?: number
  high?: number
}

export interface PlotSeries {
  name: string
  color: PlotColor
  dashed?: boolean
  points: readonly PlotPoint[]
}

type PlotColor = 'blue' | 'orange' | 'green' | 'grey'

/** What to draw: lines over one x axis. Labels carry the units. */
export interface LinePlot {
  title: string
  subtitle: string
  xLabel: string
  yLabel: string
  /** A logarithmic y axis, for what is orders of magnitude apart; else it is linear from 0. */
  yLog?: boolean
  xTicks?: readonly number[]
  series: readonly PlotSeries[]
}

/** Readable on white and, in the second form, on near-black: a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
const palette = {
  blue: { light: '#1f62c8', dark: '#6cabff' },
  orange: { light: '#b45309', dark: '#f5a44a' },
  green: { light: '#187a45', dark: '#4fcb85' },
  grey: { light: '#5f6873', dark: '#a3adb8' },
  text: { light: '#1f2328', dark: '#e6edf3' },
  paper: { light: '#ffffff', dark: '#0d1117' },
} as const

const width = 760
const height = 450
const linearTicks = 6
/** More points than this are a curve and need no dots. */
const dotsMax = 30
const margins = { top: 124, right: 36, bottom: 56, left: 72 }
/**
 * What a character of an axis label takes at most, and one of the subtitle on average, in px, also where a browser has a
 * wider typeface than Inter: DejaVu Sans takes the most.
 */
const tickCharWidth = 7.2
const subtitleCharWidth = 6.6
const fontFamily = 'Inter, system-ui, sans-serif'

/**
 * Draws the plot as a standalone SVG document. It is light wherever style sheets are ignored, and follows the reader's
 * colour scheme where they are not.
 */
export function linePlotSvg(spec: LinePlot): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const svg = plot({
    document,
    className: 'bazaar-plot',
    width,
    height,
    marginTop: margins.top,
    marginRight: margins.right,
    marginBottom: margins.bottom,
    marginLeft: margins.left,
    x: { inset: 12, nice: false, zero: true },
    y: spec.yLog
      ? { type: 'log', domain: [Math.min(...decades(spec)), Math.max(...decades(spec))] }
      : { zero: true, nice: true },
    style: { fontFamily, fontSize: '12px' },
    marks: marksOf(spec),
  }) as SVGElementLike
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg')
  svg.setAttribute('color', palette.text.light)
  svg.setAttribute('font-family', fontFamily)
  svg.setAttribute('font-size', '12')
  // What a screen reader says of the picture.
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', spec.title)
  // Plot's own style sheet is for pages; in a file its variables are unknown to most viewers.
  svg.querySelector('style')?.remove()
  svg.insertAdjacentHTML('afterbegin', `${styleSheet()}${paper()}${header(spec)}`)
  return `${svg.outerHTML}\n`
}

/** What is used of an element: the types of the browser are not loaded. */
interface SVGElementLike {
  setAttribute(name: string, value: string): void
  querySelector(selector: string): { remove(): void } | null
  insertAdjacentHTML(where: string, html: string): void
  outerHTML: string
}

function marksOf(spec: LinePlot) {
  const axisLabel = { fontSize: 13, labelArrow: 'none' as const, color: 'currentColor', tickSize: 4 }
  const yTicks = spec.yLog ? decades(spec) : linearTicks
  const ticks = spec.xTicks === undefined ? {} : { ticks: readableTicks(spec.xTicks), tickFormat: tickText }
  return [
    gridY({ strokeOpacity: 0.14, ticks: yTicks }),
    axisX({ ...axisLabel, ...ticks, label: spec.xLabel, labelAnchor: 'center', labelOffset: 44 }),
    axisY({
      ...axisLabel,
      tickFormat: shortNumber,
      label: spec.yLabel,
      labelAnchor: 'center',
      labelOffset: 60,
      ticks: yTicks,
    }),
    ...(spec.yLog ? [] : [ruleY([0], { strokeOpacity: 0.5 })]),
    ...spec.series.flatMap(({ points, color, dashed }) => {
      const stroke = palette[color].light
      const intervals = points.filter(point => point.low !== undefined && point.high !== undefined)
      return [
        ruleX(intervals, { x: 'x', y1: 'low', y2: 'high', stroke, strokeWidth: 1.5, strokeOpacity: 0.6 }),
        lineY(points, { x: 'x', y: 'y', stroke, strokeWidth: 2.25, ...(dashed && { strokeDasharray: '6 5' }) }),
        ...(points.length > dotsMax ? [] : [dotsOf(points, stroke, dashed === true)]),
      ]
    }),
  ]
}

function dotsOf(points: readonly PlotPoint[], stroke: string, hollow: boolean) {
  return dot(points, { x: 'x', y: 'y', r: 3.5, stroke, strokeWidth: 2, fill: hollow ? palette.paper.light : stroke })
}

/** Those of the ticks, from the left, whose labels do not run into each other. */
function readableTicks(ticks: readonly number[]): number[] {
  const widest = Math.max(...ticks)
  const perUnit = widest === 0 ? 0 : (width - margins.left - margins.right) / widest
  let free = Number.NEGATIVE_INFINITY
  return ticks
    .toSorted((a, b) => a - b)
    .filter(tick => {
      const half = (tickText(tick).length * tickCharWidth) / 2
      if (tick * perUnit - half < free) return false
      free = tick * perUnit + half + tickCharWidth
      return true
    })
}

/** Three decimals, or two digits, at most: the last label has to end before the picture does. */
const tickText = (value: number): string => String(Number(value < 0.1 ? value.toPrecision(2) : value.toFixed(3)))

/** 25000 as 25k: longer labels would run into the name of the axis. */
const shortNumber = (value: number): string => (value >= 10_000 ? `${value / 1000}k` : String(value))

/** The powers of ten from below the lowest point to above the highest. */
function decades({ series }: LinePlot): number[] {
  const exponents = series.flatMap(({ points }) => points.map(({ y }) => Math.log10(y)))
  const lowest = Math.floor(Math.min(...exponents))
  const highest = Math.ceil(Math.max(...exponents))
  return Array.from({ length: highest - lowest + 1 }, (_, at) => 10 ** (lowest + at))
}

function styleSheet(): string {
  const rules = Object.values(palette).map(
    ({ light, dark }) => `[fill="${light}"]{fill:${dark}}[stroke="${light}"]{stroke:${dark}}`,
  )
  const dark = `svg{color:${palette.text.dark}}${rules.join('')}`
  return `<style>text{white-space:pre}@media (prefers-color-scheme:dark){${dark}}</style>`
}

const paper = (): string => `<rect width="${width}" height="${height}" rx="8" fill="${palette.paper.light}"></rect>`

/** Title, subtitle and legend. Elements have end tags: the parser takes them for HTML, where `/>` closes nothing. */
function header({ title, subtitle, series }: LinePlot): string {
  const left = 20
  const lines = [
    `<text x="${left}" y="32" font-size="17" font-weight="600" fill="currentColor">${escapeXml(title)}</text>`,
    `<text x="${left}" y="53" font-size="12" fill="${palette.grey.light}">${escapeXml(cut(subtitle, (width - 2 * left) / subtitleCharWidth))}</text>`,
  ]
  let x = left
  let y = 79
  for (const [at, { name, color, dashed }] of series.entries()) {
    const startsDashedRow = at > 0 && dashed === true && series[at - 1]?.dashed !== true
    if (startsDashedRow || x + keyWidth(name) > width - margins.right) {
      x = left
      y += 20
    }
    lines.push(legendKey(x, y, palette[color].light, dashed === true))
    lines.push(`<text x="${x + 36}" y="${y + 4.5}" font-size="12.5" fill="currentColor">${escapeXml(name)}</text>`)
    x += keyWidth(name)
  }
  return `<g text-anchor="start">${lines.join('')}</g>`
}

function legendKey(x: number, y: number, stroke: string, dashed: boolean): string {
  const dash = dashed ? ' stroke-dasharray="6 5"' : ''
  const fill = dashed ? palette.paper.light : stroke
  const line = `<path d="M${x} ${y}h28" stroke="${stroke}" stroke-width="2.25"${dash}></path>`
  return `${line}<circle cx="${x + 14}" cy="${y}" r="3.5" fill="${fill}" stroke="${stroke}" stroke-width="2"></circle>`
}

/** The width of a legend entry in px: Inter at 12.5 px takes about 6.6 a character. */
const keyWidth = (name: string): number => 36 + Math.ceil(name.length * 6.6) + 18

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
