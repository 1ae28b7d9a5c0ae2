import { fileURLToPath } from 'node:url'
import { Resvg } from '@resvg/resvg-js'

/** Pixels for each unit of the drawing: sharp on high-density screens. */
const zoom = 2

/** The bundled typeface (Inter, SIL Open Font License 1.1), so that every machine draws the same picture. */
const fontFiles = ['400Regular/Inter_400Regular.ttf', '600SemiBold/Inter_600SemiBold.ttf'].map(file =>
  fileURLToPath(import.meta.resolve(`@expo-google-fonts/inter/${file}`)),
)

/** Renders an SVG document as a PNG file, in its light colours. */
export function renderPng(svg: string): Buffer {
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'Inter', sansSerifFamily: 'Inter' }
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: zoom } }).render().asPng()
}
