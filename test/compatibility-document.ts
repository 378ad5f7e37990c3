import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { expect } from 'vitest'

import { repository } from './platform.ts'

const file = join(repository, 'docs', 'compatibility.md')

/**
 * Compares a generated section of docs/compatibility.md, the lines between `<!-- name -->` and
 * `<!-- /name -->`, with what it should be, or writes it where `npm run docs:compatibility` asks.
 */
export async function checkSection(name: string, lines: readonly string[]): Promise<void> {
  const document = await readFile(file, 'utf8')
  const opening = `<!-- ${name} -->\n`
  const start = document.indexOf(opening)
  const end = document.indexOf(`<!-- /${name} -->`)
  if (start < 0 || end < start) throw new Error(`docs/compatibility.md has no section ${name}`)
  const section = `\n${lines.join('\n')}\n\n`
  if (process.env['COPPICE_WRITE_DOCS']) {
    await writeFile(file, document.slice(0, start + opening.length) + section + document.slice(end))
    return
  }
  expect(
    document.slice(start + opening.length, end),
    'docs/compatibility.md is out of date: `npm run docs:compatibility` rewrites it',
  ).toBe(section)
}

/** A table as the formatter leaves it, so that the generated and the formatted text are the same. */
export function renderTable(header: readonly string[], rows: readonly string[][]): string[] {
  const widths = header.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const render = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`
  return [
    render(header),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.map(render),
  ]
}

/** The words of the tables. */
export function verdict({ works, lacks }: { works: boolean; lacks: readonly string[] }): string {
  if (!works) return 'no'
  return lacks.length === 0 ? 'yes' : 'partly'
}
