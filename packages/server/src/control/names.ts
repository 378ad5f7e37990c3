import { branchIdPattern } from '@coppice/api/client'

import { AppError } from '../lib/errors.ts'

// Control characters would break terminals, logs and connection strings; NUL PostgreSQL itself.
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const controlCharacters = /[\u0000-\u001f\u007f]/

/** A branch name: 1 to 256 characters, `/` welcome, nothing that reads as a branch id. */
export function checkBranchName(name: string): string {
  checkPlain('branch name', name)
  if (branchIdPattern.test(name)) {
    throw new AppError(
      'invalid_request',
      `branch name ${name} has the form of a branch id (br-…-…-…); choose another name`,
    )
  }
  if (name === '.' || name === '..') {
    throw new AppError(
      'invalid_request',
      `${name} cannot be a branch name: URLs have no way to say it`,
    )
  }
  return name
}

export function checkProjectName(name: string): string {
  checkPlain('project name', name)
  return name
}

/** Without the blanks around it. */
export function checkSavedQueryName(name: string): string {
  checkPlain('name of a saved query', name)
  return name.trim()
}

function checkPlain(what: string, name: string): void {
  if (name.trim() === '') throw new AppError('invalid_request', `${what} must not be empty`)
  if (name.length > 256) {
    throw new AppError('invalid_request', `${what} has ${name.length} characters; at most 256 fit`)
  }
  if (controlCharacters.test(name)) {
    throw new AppError('invalid_request', `${what} must not contain control characters`)
  }
}
