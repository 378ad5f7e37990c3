import type { GitHubConfig } from './config.ts'
import { CliError } from './errors.ts'

/** Whether pull requests of a GitHub repository are over. */
export interface PullRequests {
  /** By number; undefined where there is none of it. */
  isClosed(number: number): Promise<boolean | undefined>
  /** Of a branch of the repository itself: all of them are; undefined where there are none. */
  areClosed(branch: string): Promise<boolean | undefined>
}

/** For one answer of the API. */
const timeoutMs = 30_000
/** An open one is among the newest. */
const pullsShown = 100

/** GitHub's REST API, of which this needs two routes ("Pull requests", 2022-11-28). */
export function createPullRequests(config: GitHubConfig, repository: string): PullRequests {
  const base = `${config.apiUrl.replace(/\/+$/, '')}/repos/${repository}/pulls`
  const [owner] = repository.split('/')
  const get = async (url: string): Promise<unknown> => {
    const answer = await request(url, config.token)
    if (answer.status === 404) return undefined
    if (!answer.ok) throw refused(url, answer.status, config.token !== undefined)
    return answer.json()
  }
  return {
    async isClosed(number) {
      const pull = await get(`${base}/${number}`)
      return pull === undefined ? undefined : stateOf(pull) === 'closed'
    },
    async areClosed(branch) {
      const query = new URLSearchParams({
        head: `${owner}:${branch}`,
        state: 'all',
        per_page: String(pullsShown),
      })
      const pulls = await get(`${base}?${query.toString()}`)
      if (pulls === undefined) throw refused(base, 404, config.token !== undefined)
      if (!Array.isArray(pulls) || pulls.length === 0) return undefined
      return pulls.every((pull) => stateOf(pull) === 'closed')
    },
  }
}

async function request(url: string, token: string | undefined): Promise<Response> {
  try {
    return await fetch(url, {
      headers: {
        accept: 'application/vnd.github+json',
        'x-github-api-version': '2022-11-28',
        'user-agent': 'coppice',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (error) {
    throw new CliError(`Could not reach GitHub at ${new URL(url).origin}.`, {
      advice: 'Nothing was deleted. GITHUB_API_URL says where it is.',
      cause: error,
    })
  }
}

const refused = (url: string, status: number, hasToken: boolean): CliError =>
  new CliError(`GitHub answered ${status} to ${new URL(url).pathname}.`, {
    advice: hasToken
      ? 'Nothing was deleted. GITHUB_TOKEN has to be allowed to read pull requests.'
      : 'Nothing was deleted. Set GITHUB_TOKEN to a token that may read pull requests.',
  })

function stateOf(pull: unknown): unknown {
  return typeof pull === 'object' && pull !== null && 'state' in pull ? pull.state : undefined
}

/** `owner/name` of the address of a remote; undefined where it is of another shape. */
export function repositoryOf(url: string): string | undefined {
  return /[/:]([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/.exec(url)?.[1]
}
