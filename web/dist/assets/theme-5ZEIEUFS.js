try{let e=localStorage.getItem("everup.theme");(e==="dark"||e==="light")&&(document.documentElement.dataset.theme=e)}catch{}
