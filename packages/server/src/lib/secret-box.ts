import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { errorCode } from './errors.ts'
import { writeFileAtomically } from './files.ts'

/** Encrypts small secrets at rest: AES-256-GCM, stored as nonce, tag, ciphertext. */
export interface SecretBox {
  seal(secret: string): Buffer
  /** Throws when the box was made with another key or was changed. */
  open(sealed: Uint8Array): string
  /** A secret of its own for a purpose: the same as long as the key is. */
  derive(purpose: string): string
}

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

export function createSecretBox(key: Uint8Array): SecretBox {
  return {
    seal(secret) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    open(sealed) {
      const nonce = sealed.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes))
      const body = decipher.update(sealed.subarray(nonceBytes + tagBytes))
      return Buffer.concat([body, decipher.final()]).toString('utf8')
    },
    derive: (purpose) => createHmac('sha256', key).update(purpose).digest('hex'),
  }
}

/** The platform's key, made at first use. Without this file stored passwords cannot be revealed. */
export async function loadSecretBox(path: string): Promise<SecretBox> {
  try {
    return createSecretBox(await readFile(path))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error
  }
  const key = randomBytes(keyBytes)
  await writeFileAtomically(path, key, 0o600)
  return createSecretBox(key)
}
