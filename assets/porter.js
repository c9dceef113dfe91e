// Hands an export to the person as a file, made in the browser: the server writes nothing.
watch('value', () => {
  const parcel = props.value;
  if (!parcel || !parcel.text) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([parcel.text], { type: parcel.type }));
  link.download = parcel.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
});
listens();
