import type { Cli } from './cli.ts'
import { type Context, contextFileOf, readContextFile } from './context-file.ts'
import { CliError } from './errors.ts'
import { quoteForShell } from './format.ts'
import { openRepository, type Repository } from './git-repository.ts'

/** A working copy of git whose root is linked with a project. */
export interface LinkedRepository {
  repository: Repository
  /** The repository's own `.neon`: one above it, or below, is about something else. */
  file: string
  context: Context & { projectId: string }
}

/** The repository around the working directory; rejects where there is none, or it is not linked. */
export async function openLinkedRepository(cli: Cli): Promise<LinkedRepository> {
  const repository = await openRepository(cli)
  const file = contextFileOf(repository.root)
  const { projectId, ...context } = readContextFile(file)
  if (projectId === undefined) {
    throw new CliError(`No project is linked in ${file}.`, {
      advice: `Link one there first: coppice link --context-file ${quoteForShell(file)}`,
    })
  }
  const { projectId: asked = projectId } = cli.options
  if (asked !== projectId) {
    throw new CliError(`${file} is about project ${projectId}, not ${asked}.`, {
      advice: 'Leave --project-id out, or link the other project there.',
    })
  }
  return { repository, file, context: { ...context, projectId } }
}
