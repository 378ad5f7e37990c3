/**
 * Identifiers as Neon shapes them, so that its clients tell an id from a name: projects
 * `adjective-noun-12345678`, branches `br-adjective-noun-xxxxxxxx`, endpoints `ep-…`.
 */
export const idPattern = '^[a-z0-9-]{1,60}$'

/** What the Neon CLI takes for a branch id; anything else it looks up as a name. */
export const branchIdPattern = /^br-[a-z0-9]+-[a-z0-9]+-[a-z0-9]+$/
