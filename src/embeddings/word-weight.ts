// SPDX-License-Identifier: Apache-2.0
// What a word weighs by itself: those that stand in every text say little about any.

/** Articles, pronouns, prepositions and the like of languages people write most, folded. */
const COMMON: ReadonlySet<string> = new Set(
  `a an the and or but if of in on at to from for with by as is are was were be been am do does did has have had will would
  can could should not no it its this that these those there i me my we our you your he his she her they them their what
  which who when where why how so than then about into out up
  der die das den dem des ein eine einen einem einer eines und oder aber wenn von in im an am auf zu zum zur mit bei als ist
  sind war waren sein hat haben hatte wird werden kann nicht kein keine es dies diese dieser ich mich mir mein meine wir uns
  unser du dich dein sie er ihn ihr was wer wie wo wann warum so auch noch nur fur uber nach aus
  le la les un une des du de et ou mais si dans sur a au aux par pour avec est sont etait etre ai as ont ne pas ce cette ces
  il elle ils elles je me mon ma mes nous notre vous votre tu te ton ta qui que quoi quand comment se sa son en
  el los las una unos unas y o pero del al por para con es son era ser fue he ha han no lo su sus mi mis nuestro yo tu que
  quien cuando donde como se le les en
  il lo gli uno e di da nel nella sul per con e sono era essere ho hai non che chi quando dove come mi mio mia si sua suo
  o os um uma do da dos das no na nos nas em por com ser foi nao eu meu minha seu sua que quem quando onde como
  de het een en van op te met voor is zijn was niet ik mijn wij ons je dat die dit wat wie wanneer waar hoe
  и в во не на я с со что а как он она они мы вы ты его ее их мой моя это этот эта к ко у за из по от для о об но или же бы
  был была было были`.split(/\s+/),
);

/** Weight of a common word. */
const LITTLE = 0.15;

/** @param word folded */
export function wordWeight(word: string): number {
  if (COMMON.has(word)) return LITTLE;
  // One letter by itself is seldom what a text is about.
  return word.length === 1 && !/\p{N}/u.test(word) ? 0.4 : 1;
}
