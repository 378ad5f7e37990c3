import { formatBytes } from '../format.ts'
import { renderDetails, renderTable } from '../table.ts'

/** As the server's program tells of one. */
export interface Backup {
  id: string
  version: string
  started_at: string
  finished_at: string
  with_history: boolean
  projects: number
  branches: number
  bytes: number
  added_bytes: number
  removed?: { backups: number; objects: number }
}

export async function renderBackup(backup: Backup, place: unknown): Promise<string> {
  const { removed } = backup
  return renderDetails([
    ['Backup', backup.id],
    ['Place', String(place)],
    ['Branches', contents(backup)],
    ['History', backup.with_history ? 'yes' : 'no'],
    ['Files', formatBytes(backup.bytes)],
    ['Added', formatBytes(backup.added_bytes)],
    ['Took', took(backup)],
    ['Removed', removed && `${removed.backups} backups, ${removed.objects} objects`],
  ])
}

export async function renderBackups(backups: readonly Backup[]): Promise<string> {
  if (backups.length === 0) return 'There are no backups.'
  return renderTable<Backup>(
    [
      { title: 'backup', value: ({ id }) => id },
      { title: 'branches', value: contents },
      { title: 'history', value: ({ with_history: has }) => (has ? 'yes' : 'no') },
      { title: 'files', value: ({ bytes }) => formatBytes(bytes) },
      { title: 'added', value: ({ added_bytes: bytes }) => formatBytes(bytes) },
      { title: 'took', value: took },
      { title: 'version', value: ({ version }) => version },
    ],
    backups,
  )
}

interface Problem {
  backup: string
  tree?: string
  message: string
}

export function renderVerification(answer: Record<string, unknown>): string {
  const { objects, bytes, backups } = answer
  const problems = answer['problems'] as Problem[]
  const read = `${String(objects)} objects of ${(backups as unknown[]).length} backups were read (${formatBytes(Number(bytes))})`
  if (problems.length === 0) return `${read}: all are whole.`
  const lines = problems.map(({ backup, tree, message }) =>
    [backup, ...(tree === undefined ? [] : [tree]), message].join(': '),
  )
  return [`${read}. Damaged:`, ...lines].join('\n')
}

export async function renderRestored(
  backup: Backup,
  { home, notes }: Record<string, unknown>,
): Promise<string> {
  const details = await renderDetails([
    ['Restored', backup.id],
    ['Home', String(home)],
    ['Branches', contents(backup)],
    ['History', backup.with_history ? 'yes' : 'no'],
    ['Files', formatBytes(backup.bytes)],
  ])
  const lines = (notes as string[]).map((note) => `Note: ${note}`)
  return [details, ...lines, `Start it: coppice up --home ${String(home)}`].join('\n')
}

const contents = ({ branches, projects }: Backup): string =>
  `${branches} in ${projects} ${projects === 1 ? 'project' : 'projects'}`

function took({ started_at: from, finished_at: to }: Backup): string {
  return `${((Date.parse(to) - Date.parse(from)) / 1000).toFixed(1)} s`
}
