import type { Manifest } from '../backup/manifest.ts'
import { Repository } from '../backup/repository.ts'
import { verifyBackups } from '../backup/verify.ts'
import { type Environment, hideSecrets } from '../lib/config.ts'
import { AppError } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import { readSavedConfig, type SavedConfig } from '../lib/saved-config.ts'
import { openPlace, type PlaceFlags, readPassphrase } from './backup-place.ts'
import { runBackup } from './backup-run.ts'
import { openHold } from './hold-socket.ts'
import { emit } from './output.ts'
import { createProgress } from './progress.ts'

export interface BackupFlags extends PlaceFlags {
  'without-history'?: boolean | undefined
  keep?: string | undefined
  backup?: string | undefined
}

interface BackupRequest {
  home: Home
  environment: Environment
  flags: BackupFlags
}

/** `backup create|list|verify <place>`. */
export async function backupCommand(
  request: BackupRequest,
  action: string | undefined,
  place: string | undefined,
): Promise<Record<string, unknown>> {
  hideSecrets()
  switch (action) {
    case 'create':
      return create(request, place)
    case 'list':
      return list(request, place)
    case 'verify':
      return verify(request, place)
    case undefined:
    default:
      throw new AppError('invalid_request', 'choose one of backup create, list and verify')
  }
}

async function create(
  request: BackupRequest,
  given: string | undefined,
): Promise<Record<string, unknown>> {
  const { home, flags } = request
  const keep = readKeep(flags.keep)
  const passphrase = await readPassphrase(flags, request.environment)
  const place = await placeOf(request, given)
  const hold = await openHold(home)
  try {
    const { platform_id, is_atomic } = await hold.ask<{ platform_id: string; is_atomic: boolean }>(
      'begin',
    )
    const repository = await Repository.openFor(platform_id, place, { passphrase })
    const report = createProgress()
    const manifest = await runBackup({
      home,
      hold,
      repository,
      withHistory: flags['without-history'] !== true,
      // Copies take space: one at a time.
      volumesAtOnce: is_atomic ? clonesAtOnce : 1,
      onProgress: ({ done, total, bytes, name }) => report({ done, total, bytes, message: name }),
    })
    const removed = await removeOld(repository, keep)
    return {
      place: place.url,
      encrypted: repository.isEncrypted,
      ...presentBackup(manifest),
      ...(removed !== undefined && { removed }),
    }
  } finally {
    hold.end()
    place.close()
  }
}

/** Much of the time of each is waiting for the disk. */
const clonesAtOnce = 4

/** All but the newest `keep`. */
async function removeOld(
  repository: Repository,
  keep: number | undefined,
): Promise<{ backups: number; objects: number } | undefined> {
  if (keep === undefined) return undefined
  const ids = await repository.listIds()
  emit({ event: 'step', message: 'Removing what no kept backup needs' })
  return repository.remove(ids.slice(0, -keep))
}

async function list(
  request: BackupRequest,
  given: string | undefined,
): Promise<Record<string, unknown>> {
  const { repository, close } = await openRepository(request, given)
  try {
    const backups: Record<string, unknown>[] = []
    for (const id of await repository.listIds()) {
      backups.push(presentBackup(await repository.readManifest(id)))
    }
    const { isEncrypted: encrypted, platformId } = repository
    return { place: repository.place.url, platform_id: platformId, encrypted, backups }
  } finally {
    close()
  }
}

async function verify(
  request: BackupRequest,
  given: string | undefined,
): Promise<Record<string, unknown>> {
  const { repository, close } = await openRepository(request, given)
  try {
    const { backup } = request.flags
    const ids = backup === undefined ? await repository.listIds() : [backup]
    if (backup !== undefined) await repository.readManifest(backup)
    const report = createProgress()
    const found = await verifyBackups(repository, ids, (objects) => report({ done: objects }))
    return { place: repository.place.url, ...found }
  } finally {
    close()
  }
}

/** For reading: no platform is needed, and `saved` may be of none. */
export async function openRepository(
  request: BackupRequest,
  given: string | undefined,
  saved?: SavedConfig,
): Promise<{ repository: Repository; close: () => void }> {
  const passphrase = await readPassphrase(request.flags, request.environment)
  const place = await placeOf(request, given, saved)
  return { repository: await Repository.open(place, { passphrase }), close: () => place.close() }
}

async function placeOf(
  { home, environment, flags }: BackupRequest,
  given: string | undefined,
  saved?: SavedConfig,
) {
  const remembered = saved ?? (await readSavedConfig(home.config))
  return openPlace(given, flags, { home, environment, saved: remembered })
}

export function presentBackup(manifest: Manifest): Record<string, unknown> {
  const { trees: _, platform_id: __, format: ___, ...facts } = manifest
  return facts
}

function readKeep(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text)
  throw new AppError('invalid_request', `--keep ${text} must be a number of backups, 1 or more`)
}
