import type { LinePlot } from './line-plot.ts'
import { writeOutput } from './write-output.ts'

/**
 * Writes a plot as SVG or PNG, by the file's ending. What draws is loaded here and not before: it takes half a second,
 * and only those who want a picture should wait for it.
 */
export async function writePlot(file: string, spec: LinePlot): Promise<void> {
  const { linePlotSvg } = await import('./line-plot.ts')
  const svg = linePlotSvg(spec)
  if (!/\.png$/i.test(file)) return writeOutput(file, svg)
  const { renderPng } = await import('./png.ts')
  writeOutput(file, renderPng(svg))
}
