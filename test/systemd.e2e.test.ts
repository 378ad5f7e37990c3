import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { repository, run } from './platform.ts'

const program = '/usr/local/bin/coppice'
const analyzer = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find((path) =>
  existsSync(path),
)

/** The units that docs/operating.md offers, as systemd itself judges them. */
describe.skipIf(analyzer === undefined)('units of systemd (needs systemd-analyze)', () => {
  test.each([
    // As root: what makes and mounts a pool cannot be shut in further.
    { unit: 'coppice.service', exposure: 6.5 },
    { unit: 'coppice-plain.service', exposure: 2.5 },
  ])('$unit is valid, and exposes no more than $exposure of 10', async ({ unit, exposure }) => {
    const text = await readFile(join(repository, 'packaging/systemd', unit), 'utf8')
    expect(text).toContain(`ExecStart=${program} up --foreground\n`)
    const directory = await mkdtemp(join(tmpdir(), 'coppice-unit-'))
    try {
      const path = join(directory, unit)
      // The program need not be installed where this runs.
      await writeFile(path, text.replace(program, process.execPath))
      const options = { cwd: directory }
      const verify = `'${analyzer}' verify ./${unit} 2>&1`
      expect(await run('bash', ['-c', verify], options)).toBe('')
      const threshold = `--threshold=${exposure * 10}`
      const judged = await run(
        String(analyzer),
        ['security', '--offline=true', threshold, `./${unit}`],
        options,
      )
      expect(judged).toContain('Overall exposure level')
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })
})
