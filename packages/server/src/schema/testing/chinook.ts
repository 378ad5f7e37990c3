import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Real schemas, where the one who runs the tests has some: a folder with chinook.sql. */
const data = process.env['COPPICE_TEST_DATA']
const file = data === undefined ? '' : join(data, 'chinook.sql')

export const hasChinook = existsSync(file)

/** The statements that make Chinook's tables, keys and indexes. */
export async function chinookSchema(): Promise<string> {
  const script = await readFile(file, 'utf8')
  return `set search_path = public;\n${script.slice(script.indexOf('CREATE TABLE'), script.indexOf('INSERT INTO'))}`
}
