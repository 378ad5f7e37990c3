import { readFile, stat } from 'node:fs/promises'

import type { S3Credentials } from '@coppice/s3/location'

import type { Environment } from '../lib/config.ts'
import { AppError, errorCode } from '../lib/errors.ts'
import type { Home } from '../lib/home.ts'

/**
 * From the environment, else from `s3-credentials.json` in the state directory, which nobody else may
 * read, else those that the environment has for AWS at large. Never from flags: those are in the process
 * list. Rejects with AppError `invalid_request`.
 */
export async function readS3Credentials(
  home: Home,
  environment: Environment,
): Promise<S3Credentials> {
  if (environment.s3Credentials) return environment.s3Credentials
  const path = home.s3Credentials
  const text = await readPrivateFile(path)
  if (text === undefined) {
    if (environment.awsCredentials) return environment.awsCredentials
    throw new AppError(
      'invalid_request',
      'S3 has no credentials: set COPPICE_S3_ACCESS_KEY_ID and COPPICE_S3_SECRET_ACCESS_KEY, or write ' +
        `{"access_key_id": "…", "secret_access_key": "…"} to ${path}, with mode 0600`,
    )
  }
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = parse(path, text)
  if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') {
    return { accessKeyId, secretAccessKey }
  }
  throw new AppError('invalid_request', `${path} lacks access_key_id or secret_access_key`)
}

/** Undefined where it is not there. Rejects with AppError `invalid_request` where others can read it. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) === 0) return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  throw new AppError(
    'invalid_request',
    `others can read ${path}; \`chmod 600\` it, or make new keys`,
  )
}

/** The parser's message would show a piece of the file. */
function parse(path: string, text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    throw new AppError('invalid_request', `${path} is no JSON`)
  }
}
