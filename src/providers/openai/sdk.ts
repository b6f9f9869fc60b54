// SPDX-License-Identifier: Apache-2.0
// OpenAI's library, loaded once by whoever needs it: a file of its own, so that what is published holds it once for all threads.

export { APIConnectionTimeoutError, APIError, default as OpenAI } from 'openai';
