/**
 * Builds the console into `dist/web`, and does nothing where it was built from the same sources: everybody's
 * `npm run build` ends with it. Files are compressed once, here, and not at every request.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

import { build } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))
const web = join(root, 'dist', 'web')
const markFile = join(web, 'sources.sha256')

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

async function hashSources(): Promise<string> {
  const hash = createHash('sha256')
  const files = [
    ...(await filesOf(join(root, 'src'))),
    ...(await filesOf(join(root, 'public'))),
    ...(await filesOf(join(root, '..', 'api', 'src'))),
    join(root, 'index.html'),
    join(root, 'vite.config.ts'),
    join(root, 'build.ts'),
    join(root, '..', '..', 'package-lock.json'),
  ]
  for (const file of files) hash.update(file.slice(root.length)).update(await readFile(file))
  return hash.digest('hex')
}

async function compress(file: string): Promise<void> {
  const content = await readFile(file)
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }
  await writeFile(`${file}.br`, await promisify(brotliCompress)(content, quality))
  await writeFile(`${file}.gz`, await promisify(gzip)(content))
}

const wanted = await hashSources()
const built = await readFile(markFile, 'utf8').catch(() => '')
if (built !== wanted) {
  await build({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
  const texts = (await filesOf(join(web, 'assets'))).filter((file) => /\.(js|css|svg)$/.test(file))
  await Promise.all(texts.map(compress))
  await writeFile(markFile, wanted)
}
