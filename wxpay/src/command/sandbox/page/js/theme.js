// Sets the colours before the page is drawn: the chosen ones, or those of the system. No module: a module would
// run after that.

{
  const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = localStorage.getItem("wxpay-sandbox-theme") ?? system;
}
