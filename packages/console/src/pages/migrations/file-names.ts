import type { SqlFile } from '@coppice/api'

/** A name for one more file: the next number, or the day and the minute where files have no numbers. */
export function nextName(files: readonly SqlFile[], now = new Date()): string {
  const last = files.at(-1)?.name ?? ''
  const [, digits] = /^V?(\d{1,9})(?=\D)/.exec(last) ?? []
  if (digits !== undefined) {
    return `${String(Number(digits) + 1).padStart(digits.length, '0')}_change.sql`
  }
  const stamp = now.toISOString().replaceAll(/[-:T]/g, '').slice(0, 12)
  return withoutNamesake(`${stamp}_change.sql`, files)
}

function withoutNamesake(name: string, files: readonly SqlFile[]): string {
  for (let at = 2; ; at++) {
    const candidate = at === 2 ? name : name.replace(/\.sql$/, `_${at - 1}.sql`)
    if (!files.some((file) => file.name === candidate)) return candidate
  }
}

/** A file that comes again takes the place of the one before. */
export function withoutNamesakes(files: readonly SqlFile[]): SqlFile[] {
  return [...new Map(files.map((file) => [file.name, file])).values()]
}
