import { createHash, randomBytes } from 'node:crypto'

/** 24 random bytes as URL-safe text: needs no escaping in a connection string. */
export const newPassword = (): string => `cop_${randomBytes(24).toString('base64url')}`

/** An API key. Only its hash is stored. */
export const newApiKey = (): string => `coppice_${randomBytes(32).toString('base64url')}`

/** A key is looked up by its hash, so that neither the store nor a timing difference gives it away. */
export const hashApiKey = (key: string): Buffer => createHash('sha256').update(key).digest()
