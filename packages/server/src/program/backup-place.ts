import { homedir } from 'node:os'
import { isAbsolute, resolve } from 'node:path'
import { text } from 'node:stream/consumers'

import { parseS3Location } from '@coppice/s3/location'

import { createDirectoryPlace } from '../backup/directory-place.ts'
import type { BackupPlace } from '../backup/place.ts'
import { createS3Place } from '../backup/s3-place.ts'
import { createS3Bucket } from '../history/s3-bucket.ts'
import type { Environment } from '../lib/config.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'
import type { SavedConfig } from '../lib/saved-config.ts'
import { readPrivateFile, readS3Credentials } from './s3-credentials.ts'

export interface PlaceFlags {
  's3-endpoint'?: string | undefined
  's3-region'?: string | undefined
  'passphrase-file'?: string | undefined
}

const advice = {
  credentials: 'COPPICE_S3_ACCESS_KEY_ID and COPPICE_S3_SECRET_ACCESS_KEY',
  region: 'give the right one with --s3-region',
  bucket: 'name another place',
  endpoint: '--s3-endpoint',
}

/** A directory, or `s3://bucket/prefix`. Rejects with AppError `invalid_request`. */
export async function openPlace(
  given: string | undefined,
  flags: PlaceFlags,
  { home, environment, saved }: { home: Home; environment: Environment; saved: SavedConfig },
): Promise<BackupPlace> {
  if (given === undefined || given === '') {
    throw new AppError('invalid_request', 'name a place: a directory, or s3://bucket/prefix')
  }
  if (!given.startsWith('s3://')) return createDirectoryPlace(absolute(given, home))
  const location = parseS3Location(
    given,
    {
      endpoint: flags['s3-endpoint'] ?? saved.s3_endpoint,
      region: flags['s3-region'] ?? saved.s3_region,
    },
    {
      location: 'the place',
      form: 'a directory, or s3://bucket/prefix',
      region: '--s3-region',
      endpoint: '--s3-endpoint',
      refuse: (message) => new AppError('invalid_request', message),
    },
  )
  return createS3Place(
    createS3Bucket(location, await readS3Credentials(home, environment), { advice }),
  )
}

function absolute(given: string, home: Home): string {
  const path = given.startsWith('~/') ? resolve(homedir(), given.slice(2)) : resolve(given)
  if (isAbsolute(path) && `${path}/`.startsWith(`${home.root}/`)) {
    throw new AppError(
      'invalid_request',
      `${path} lies in the state directory that is backed up; name a place on another disk`,
    )
  }
  return path
}

/** From a file, `-` for stdin, else from the environment; undefined where there is none. Never from a flag. */
export async function readPassphrase(
  flags: PlaceFlags,
  environment: Environment,
): Promise<string | undefined> {
  const file = flags['passphrase-file']
  if (file === undefined) return environment.backupPassphrase
  const read = file === '-' ? await text(process.stdin) : await readFileOf(file)
  const passphrase = read.replace(/\r?\n$/, '')
  if (passphrase.length >= leastChars) return passphrase
  throw new AppError('invalid_request', `a passphrase has ${leastChars} characters at least`)
}

const leastChars = 8

async function readFileOf(path: string): Promise<string> {
  try {
    const found = await readPrivateFile(path)
    if (found !== undefined) return found
  } catch (error) {
    if (errorCode(error) !== 'EACCES') throw error
  }
  throw new AppError('invalid_request', `the passphrase cannot be read from ${path}`)
}
