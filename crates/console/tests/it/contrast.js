// Texts whose contrast with what is behind them is below 4.5 to 1 (WCAG 2.2, 1.4.3), as "text: ratio".
const channel = (c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const colour = (text) => text.match(/[\d.]+/g).map(Number);

function ground(element) {
  for (let e = element; e; e = e.parentElement) {
    const [r, g, b, alpha = 1] = colour(getComputedStyle(e).backgroundColor);
    if (alpha === 1) return [r, g, b];
  }
  return [255, 255, 255];
}

const weak = [];
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.textContent.trim());
  if (!own.length || !element.offsetParent) continue;
  const pair = [luminance(colour(getComputedStyle(element).color)), luminance(ground(element))];
  const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
  if (ratio < 4.5) weak.push(`${own[0].textContent.trim()}: ${ratio.toFixed(2)}`);
}
return weak;
