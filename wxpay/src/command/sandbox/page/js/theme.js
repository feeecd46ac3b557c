// Sets the chosen colours before the page is drawn. No module: a module would run after that.

{
  const chosen = localStorage.getItem("wxpay-sandbox-theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
}
