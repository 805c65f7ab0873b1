// What tus-js-client does with an upload: tus.mjs <endpoint> <user>. Says nothing when all is well.

import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const { Upload } = createRequire(process.env.TUS_FOLDER + '/')('tus-js-client')
const [endpoint, user] = process.argv.slice(2)
const headers = { 'x-role': 'user', 'x-user': user }
const bytes = Buffer.alloc(11 << 20, 'some bytes of a file ')

// The first try stops when some of it has come; the second goes on with it.
let url
await new Promise((resolve, reject) => {
  const upload = new Upload(bytes, {
    endpoint,
    headers,
    chunkSize: 2 << 20,
    metadata: { filename: 'big.txt', filetype: 'text/plain' },
    retryDelays: null,
    onError: reject,
    onChunkComplete: async (_, sent) => {
      if (sent < 6 << 20 || url) return
      url = upload.url
      await upload.abort()
      resolve()
    },
    onSuccess: () => reject(new Error('it was to stop')),
  })
  upload.start()
})
const before = []
await new Promise((resolve, reject) => {
  const upload = new Upload(bytes, {
    uploadUrl: url,
    headers,
    onError: reject,
    onSuccess: resolve,
    onBeforeRequest: (request) => before.push(request.getMethod()),
    onAfterResponse: (request, response) => {
      if (request.getMethod() === 'HEAD') assert(Number(response.getHeader('Upload-Offset')) >= 6 << 20)
    },
  })
  upload.start()
})
assert.equal(before[0], 'HEAD')
const file = await fetch(url.replace('/uploads/', '/files/'), { headers })
assert.equal(file.status, 200)
assert.equal(file.headers.get('content-type'), 'text/plain')
assert(Buffer.from(await file.arrayBuffer()).equals(bytes))

// One that is given up is gone.
const gone = new Upload(bytes, { endpoint, headers, chunkSize: 1 << 20, onChunkComplete: () => gone.abort(true) })
await new Promise((resolve, reject) => {
  gone.options.onError = reject
  gone.options.onChunkComplete = () => gone.abort(true).then(resolve, reject)
  gone.start()
})
const head = await fetch(gone.url, { method: 'HEAD', headers: { ...headers, 'Tus-Resumable': '1.0.0' } })
assert.equal(head.status, 404)
