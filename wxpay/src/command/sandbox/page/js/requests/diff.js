// Two messages that should be one: where their bytes differ.

// Beyond so many differences, all between the first and the last is marked: nobody reads them one by one, and the
// comparison takes time and memory by their square.
const MAX_DIFFERENCES = 400;

// Returns the pieces of both texts, `{ left, right }`, each a list of `{ text, differs }`.
export function compare(left, right) {
  const [a, b] = [Array.from(left), Array.from(right)];
  let begin = 0;
  while (begin < a.length && begin < b.length && a[begin] === b[begin]) begin += 1;
  let [endA, endB] = [a.length, b.length];
  while (endA > begin && endB > begin && a[endA - 1] === b[endB - 1]) [endA, endB] = [endA - 1, endB - 1];
  const middle = kept(a.slice(begin, endA), b.slice(begin, endB));
  const side = (all, end, isKept) => {
    const marks = [...all.slice(0, begin).fill(true), ...isKept, ...all.slice(end).fill(true)];
    return pieces(all, marks);
  };
  return { left: side(a, endA, middle.a), right: side(b, endB, middle.b) };
}

// Returns the offset of the first byte that differs, or null.
export function firstDifference(left, right) {
  const [a, b] = [bytes(left), bytes(right)];
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return at;
  return null;
}

// Returns the bytes of a text in UTF-8.
export function bytes(text) {
  return new TextEncoder().encode(text);
}

// Finds the longest common sequence, by the algorithm of Myers: for each number of differences, how far each
// diagonal reaches. Returns for each character whether it is in both.
function kept(a, b) {
  const [isKeptA, isKeptB] = [new Array(a.length).fill(false), new Array(b.length).fill(false)];
  const found = { a: isKeptA, b: isKeptB };
  const reach = new Map([[1, 0]]);
  const history = [];
  const most = Math.min(a.length + b.length, MAX_DIFFERENCES);
  for (let count = 0; count <= most; count += 1) {
    history.push(new Map(reach));
    for (let diagonal = -count; diagonal <= count; diagonal += 2) {
      let x = isDown(reach, diagonal, count) ? reach.get(diagonal + 1) : reach.get(diagonal - 1) + 1;
      while (x < a.length && x - diagonal < b.length && a[x] === b[x - diagonal]) x += 1;
      reach.set(diagonal, x);
      if (x >= a.length && x - diagonal >= b.length) {
        markBack(history, a.length, b.length, found);
        return found;
      }
    }
  }
  return found;
}

function isDown(reach, diagonal, count) {
  return diagonal === -count || (diagonal !== count && reach.get(diagonal - 1) < reach.get(diagonal + 1));
}

// Walks from the end of both to their begin, and marks what is in both.
function markBack(history, lengthA, lengthB, found) {
  let [x, y] = [lengthA, lengthB];
  for (let count = history.length - 1; count >= 0; count -= 1) {
    const reach = history[count];
    const diagonal = x - y;
    const from = isDown(reach, diagonal, count) ? diagonal + 1 : diagonal - 1;
    const beginX = count === 0 ? 0 : reach.get(from);
    const beginY = count === 0 ? 0 : beginX - from;
    while (x > beginX && y > beginY) {
      [x, y] = [x - 1, y - 1];
      found.a[x] = true;
      found.b[y] = true;
    }
    [x, y] = [beginX, beginY];
  }
}

function pieces(characters, isKept) {
  const found = [];
  characters.forEach((character, at) => {
    const last = found.at(-1);
    if (last && last.differs === !isKept[at]) last.text += character;
    else found.push({ text: character, differs: !isKept[at] });
  });
  return found;
}
